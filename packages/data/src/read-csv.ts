import { pipeline, Readable } from 'node:stream'
import { DataError } from '@tfx/common'
import { CsvError, parse } from 'csv-parse'
import { textOf } from './open-file'
import type { LocatedRow, Row } from './read-rows'

/** How a delimited file is written. */
export interface CsvDialect {
  delimiter: ',' | '\t'
  /** Whether double quotes enclose fields. */
  quoted: boolean
  /** The names of the columns of a file that has no header. */
  columns: readonly string[] | undefined
}

/** A longer row means that a quote was never closed; without a bound the rest of the file would be one field. */
const maximumRowBytes = 16 * 2 ** 20

/**
 * The rows of a CSV or TSV file, one at a time. A row's location is the line on which it ends.
 *
 * @throws DataError on a malformed row, naming the line.
 */
export async function* readCsv(
  path: string,
  dialect: CsvDialect,
): AsyncGenerator<LocatedRow, void, undefined> {
  let line = 0
  const readHeader = (header: string[]) => {
    line = 1
    return checkHeader(header, path)
  }
  const text = textOf(path)
  const first = await text.next()
  const start = first.done ? '' : first.value
  const parser = parse({
    columns: dialect.columns === undefined ? readHeader : [...dialect.columns],
    delimiter: dialect.delimiter,
    record_delimiter: lineBreaksOf(dialect.quoted ? start.replace(quotedFields, '""') : start),
    quote: dialect.quoted ? '"' : null,
    info: true,
    skip_empty_lines: true,
    max_record_size: maximumRowBytes,
  })
  // Errors of either stream reach the loop below through the parser, so there is nothing to call back.
  pipeline(Readable.from(withStart(start, text)), parser, () => {})
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Row; info: { lines: number } }>) {
      line = info.lines
      yield { row: record, location: `line ${line}` }
    }
  } catch (error) {
    throw error instanceof CsvError ? describeCsvError(error, { path, line, dialect }) : error
  }
}

const quotedFields = /"[^"]*(?:"|$)/g

/**
 * What ends a line: files that were put together have both kinds. A carriage return alone does where it ends the first line;
 * elsewhere it is part of a field.
 */
const lineBreaksOf = (start: string): string[] =>
  /^[^\r\n]*\r(?!\n|$)/.test(start) ? ['\r'] : ['\r\n', '\n']

async function* withStart(
  start: string,
  rest: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  yield start
  yield* rest
}

function checkHeader(header: string[], path: string): string[] {
  const names = header.map((name) => name.trim())
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated === undefined) return names
  throw new DataError({
    function: 'readRows',
    argument: `${path}, line 1`,
    expected: 'a header that names each column once',
    received: `'${repeated}' twice`,
    remedy: 'Rename one of the columns; if the file has no header, pass { columns: [...] }.',
  })
}

interface CsvFailure {
  path: string
  /** The last line that was read well. */
  line: number
  dialect: CsvDialect
}

function describeCsvError(error: CsvError, { path, line, dialect }: CsvFailure): DataError {
  const at = typeof error.lines === 'number' ? error.lines : line + 1
  const failure = { function: 'readRows', argument: `${path}, line ${at}`, cause: error }
  switch (error.code) {
    case 'CSV_RECORD_INCONSISTENT_COLUMNS': {
      const expected =
        dialect.columns === undefined ? 'as many fields as the header' : 'as many fields as columns'
      const received = `${(error.record as unknown[]).length}`
      const quote = dialect.quoted ? ' Enclose text that contains the delimiter in double quotes.' : ''
      return new DataError({ ...failure, expected, received, remedy: `Correct that line.${quote}` })
    }
    case 'CSV_QUOTE_NOT_CLOSED':
    case 'CSV_MAX_RECORD_SIZE':
      return new DataError({
        ...failure,
        argument: `${path}, line ${line + 1}`,
        expected: 'closed quotes',
        received: 'a row with a quote that is never closed',
        remedy: 'Close it, or pass { quoted: false } if quotes are plain characters in this file.',
      })
    default:
      return new DataError({
        ...failure,
        expected: 'well-formed',
        received: error.message,
        remedy:
          'Double each quote inside a quoted field (""), or pass { quoted: false } if quotes are plain characters.',
      })
  }
}
