import { DataError } from '@tfx/common'
import { textOf } from './open-file'
import type { LocatedRow, Row } from './read-rows'

/**
 * The rows of a file with one JSON object on each line; blank lines are passed over.
 *
 * @throws DataError on a line that is no JSON object, naming it.
 */
export async function* readJsonLines(path: string): AsyncGenerator<LocatedRow, void, undefined> {
  let number = 0
  for await (const line of linesOf(path)) {
    number++
    if (line.trim() === '') continue
    yield { row: parseLine(line, `${path}, line ${number}`), location: `line ${number}` }
  }
}

/**
 * The rows of a file that holds one JSON array of objects. The whole file is held in memory.
 *
 * @throws DataError if the file is anything else.
 */
export async function* readJsonArray(path: string): AsyncGenerator<LocatedRow, void, undefined> {
  let text = ''
  for await (const chunk of textOf(path)) text += chunk
  let rows: unknown
  try {
    rows = JSON.parse(text)
  } catch (cause) {
    const received = text.trim() === '' ? 'an empty file' : (cause as Error).message
    throw notAnArray({ path, received, cause })
  }
  if (!Array.isArray(rows)) throw notAnArray({ path, received: kindOf(rows) })
  for (const [index, row] of rows.entries()) {
    const location = `row ${index + 1}`
    yield { row: checkRow(row, `${path}, ${location}`), location }
  }
}

/**
 * Returns `row` if it is an object.
 *
 * @param argument Where it was found, for the error.
 * @throws DataError otherwise.
 */
export function checkRow(row: unknown, argument: string): Row {
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Row
  throw new DataError({
    function: 'readRows',
    argument,
    expected: "an object such as { text: 'Fine', label: 'positive' }",
    received: kindOf(row),
    remedy: 'Give each row as one object with a field for each column.',
  })
}

// Not node:readline: it also breaks lines at U+2028 and U+2029, which may stand unescaped in a JSON string.
async function* linesOf(path: string): AsyncGenerator<string, void, undefined> {
  let rest = ''
  for await (const chunk of textOf(path)) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

function parseLine(line: string, argument: string): Row {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch (cause) {
    throw new DataError({
      function: 'readRows',
      argument,
      expected: 'one JSON object',
      received: (cause as Error).message,
      remedy: 'Write one whole object on each line; for a file that is one array, use the name .json.',
      cause,
    })
  }
  return checkRow(row, argument)
}

function notAnArray({
  path,
  received,
  cause,
}: {
  path: string
  received: string
  cause?: unknown
}): DataError {
  return new DataError({
    function: 'readRows',
    argument: path,
    expected: 'one JSON array of objects',
    received,
    remedy: "If each line holds an object, pass { format: 'jsonl' } or use the name .jsonl.",
    cause,
  })
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}
