import { DataError, throwIfAborted } from '@tfx/common'
import { type LocatedRow, readRows, type RowSource, textFault } from '@tfx/data'
import { incompleteNotes, type ReadExamples } from '@tfx/transfer'
import type { ReadingOptions, SummaryExample } from './example'

/** The usual names, the most telling first. */
const usualNames = {
  document: ['document', 'text', 'article', 'source', 'dialogue', 'body', 'content', 'readme', 'description'],
  summary: ['summary', 'target', 'highlights', 'tldr', 'abstract', 'headline', 'title'],
} as const

/** How rows are read, and for whom. */
export interface ReadOptions extends ReadingOptions {
  signal?: AbortSignal | undefined
  /** The public function to name in errors. */
  caller: string
}

/**
 * Reads documents and summaries. A document may be a list of sentences, and a summary a list of several that will do.
 *
 * @throws DataError if columns are missing, if rows lack a document or a summary (counted, with the first places), or if
 *   one of them holds control characters or half of a surrogate pair; AbortedError if the signal fires.
 */
export async function readExamples(
  source: RowSource,
  options: ReadOptions,
): Promise<ReadExamples<SummaryExample>> {
  const rows = readRows(source)
  const { caller } = options
  const examples: SummaryExample[] = []
  const incomplete: string[] = []
  let columns: Columns | undefined
  for await (const located of rows.located()) {
    throwIfAborted(options.signal, caller)
    columns ??= findColumns(Object.keys(located.row), options)
    const example = toExample(located, columns, { caller, name: rows.name })
    if (example === undefined) incomplete.push(located.location)
    else examples.push(example)
  }
  const guessed = columns?.guessed.map((name) => `'${name}'`) ?? []
  const notes = [
    ...(guessed.length > 0 ? [`Columns by their names: ${guessed.join(', ')}.`] : []),
    ...incompleteNotes({
      ...{ places: incomplete, incomplete: options.incomplete, caller, name: rows.name },
      parts: ['a document', 'its summary'],
    }),
  ]
  return { examples, notes }
}

interface Columns {
  readonly document: string
  readonly summary: string
  /** Those that nobody named. */
  readonly guessed: readonly string[]
}

function findColumns(
  names: readonly string[],
  { caller, documentColumn, summaryColumn }: ReadOptions,
): Columns {
  const find = (role: keyof typeof usualNames, given: string | undefined): string => {
    const usual: readonly string[] = given === undefined ? usualNames[role] : [given]
    const found = usual
      .map((name) => names.find((each) => each === name || (!given && each.toLowerCase() === name)))
      .find((name) => name !== undefined)
    if (found !== undefined) return found
    throw new DataError({
      function: caller,
      argument: `${role}Column`,
      expected: given === undefined ? `one of ${usual.join(', ')}` : `a column that is there, not '${given}'`,
      received: `the columns ${names.map((name) => `'${name}'`).join(', ') || '(none)'}`,
      remedy: `Name the one that holds the ${role}: { ${role}Column: '…' }.`,
    })
  }
  const document = find('document', documentColumn)
  const summary = find('summary', summaryColumn)
  const guessed = [documentColumn ?? document, summaryColumn ?? summary].filter(
    (_, index) => [documentColumn, summaryColumn][index] === undefined,
  )
  return { document, summary, guessed }
}

/** @returns undefined if one side is missing. */
function toExample(
  { row, location }: LocatedRow,
  { document, summary }: Columns,
  { caller, name }: { caller: string; name: string },
): SummaryExample | undefined {
  const textsAt = (column: string): string[] => {
    const value = row[column]
    const parts: unknown[] = Array.isArray(value) ? value : [value]
    return parts
      .filter((part) => !isMissing(part))
      .map((part) => {
        const fault = textFault(part)
        if (fault === undefined) return part as string
        throw new DataError({ function: caller, argument: `${name}, ${location}, ${column}`, ...fault })
      })
  }
  const sentences = textsAt(document)
  const targets = textsAt(summary)
  const [target] = targets
  if (sentences.length === 0 || target === undefined) return undefined
  return { text: sentences.join(' '), target, targets }
}

const isMissing = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'string' && value.trim() === '')
