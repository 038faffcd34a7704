import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ArgumentError, DataError, throwIfAborted } from '@tfx/common'
import { readCsv } from './read-csv'
import { checkRow, readJsonArray, readJsonLines } from './read-json'

/** One row of a data set: column name → value. Every value from a CSV or TSV file is a string. */
export type Row = Readonly<Record<string, unknown>>

/** A row and where it stands in its source. */
export interface LocatedRow {
  row: Row
  /** `line 12` of a file, `row 3` of an array; counted from 1. */
  location: string
}

/** The rows of a source, read while they are iterated over, one at a time. */
export interface Rows extends AsyncIterable<Row> {
  /** The name of the file, or `rows` for what is no file. */
  readonly name: string
  /** The same rows, each with its location. */
  located(): AsyncIterable<LocatedRow>
}

/**
 * What rows can be read from: an array, iterable or async iterable of objects; a path (or `file:` URL) of
 * a .csv, .tsv, .jsonl, .ndjson or .json file, also with .gz; or the result of {@link readRows}.
 */
// Not of Row: an object typed by an interface has no index signature, and is as good a row.
export type RowSource = string | URL | Iterable<object> | AsyncIterable<object> | Rows

/** The kinds of files: `jsonl` has an object on each line, `json` is one array of objects. */
export type FileFormat = 'csv' | 'tsv' | 'jsonl' | 'json'

/** Options of {@link readRows}. */
export interface ReadOptions {
  /** Default: by the extension of the file. */
  format?: FileFormat
  /** The columns of a CSV or TSV file without a header, in order. Default: the first line names them. */
  columns?: readonly string[]
  /**
   * Whether double quotes enclose fields (with delimiters, newlines and doubled quotes in them). Default:
   * true for CSV (RFC 4180); false for TSV (IANA text/tab-separated-values), where they are plain characters.
   */
  quoted?: boolean
  /** Stops the reading. */
  signal?: AbortSignal
}

/**
 * Reads the rows of a data set. Files are streamed: no more than a chunk of the file is in memory at a
 * time (except `json`, which is read whole). Nothing is opened before the iteration starts, and each
 * iteration reads anew. Text is UTF-8, with or without a byte order mark.
 *
 * @throws ArgumentError for a source or option of the wrong kind. While iterating: DataError if a file is
 *   missing, unreadable, not UTF-8, or malformed (naming file and line), if a row is no object, or if
 *   there are no rows; AbortedError when the signal fires.
 *
 * @example
 * ```ts
 * for await (const row of readRows('sst2.tsv.gz', { columns: ['label', 'text'] })) train(row.text)
 * ```
 */
export function readRows(source: RowSource, options: ReadOptions = {}): Rows {
  const { name, open } = openerOf(source, options)
  async function* located(): AsyncGenerator<LocatedRow, void, undefined> {
    let empty = true
    throwIfAborted(options.signal, 'readRows')
    for await (const row of open()) {
      throwIfAborted(options.signal, 'readRows')
      empty = false
      yield row
    }
    if (empty) throw emptyError(name)
  }
  return {
    name,
    located,
    async *[Symbol.asyncIterator]() {
      for await (const { row } of located()) yield row
    },
  }
}

interface Opener {
  name: string
  open: () => AsyncIterable<LocatedRow>
}

function openerOf(given: RowSource, options: ReadOptions): Opener {
  if (typeof given === 'string' || given instanceof URL) return fileOpener(pathOf(given), options)
  // What JavaScript callers may pass whatever the types say.
  const source: unknown = given
  if (typeof source === 'object' && source !== null) {
    if ('located' in given) return { name: given.name, open: () => given.located() }
    if (Symbol.iterator in given || Symbol.asyncIterator in given) {
      return { name: 'rows', open: () => numbered(given) }
    }
  }
  throw new ArgumentError({
    function: 'readRows',
    argument: 'source',
    expected: 'an array or iterable of objects, or the path of a file',
    received: source === null ? 'null' : `of type ${typeof source}`,
    remedy: "Pass for instance [{ text: 'Fine', label: 'positive' }, …] or 'reviews.csv'.",
  })
}

async function* numbered(
  rows: Iterable<object> | AsyncIterable<object>,
): AsyncGenerator<LocatedRow, void, undefined> {
  let number = 0
  for await (const row of rows) {
    const location = `row ${++number}`
    yield { row: checkRow(row, location), location }
  }
}

function fileOpener(path: string, { format, columns, quoted }: ReadOptions): Opener {
  checkColumns(columns)
  const kind = format ?? formatOf(path)
  const name = basename(path)
  switch (kind) {
    case 'csv':
    case 'tsv': {
      const delimiter = kind === 'csv' ? ',' : '\t'
      return { name, open: () => readCsv(path, { delimiter, quoted: quoted ?? kind === 'csv', columns }) }
    }
    case 'jsonl':
      return { name, open: () => readJsonLines(path) }
    case 'json':
      return { name, open: () => readJsonArray(path) }
    default:
      throw formatError('format', `'${String(kind satisfies never)}'`)
  }
}

/** @throws ArgumentError unless these are names, each once. */
function checkColumns(columns: unknown): void {
  const isNames =
    Array.isArray(columns) && columns.length > 0 && columns.every((name) => typeof name === 'string')
  if (columns === undefined || (isNames && new Set(columns).size === columns.length)) return
  throw new ArgumentError({
    function: 'readRows',
    argument: 'columns',
    expected: 'a list of different names',
    received: isNames ? 'one of them twice' : Array.isArray(columns) ? 'a list of others' : typeof columns,
    remedy: 'Name the columns of the file in order, or leave it out if its first line does.',
  })
}

const formats: Record<string, FileFormat> = {
  csv: 'csv',
  tsv: 'tsv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
}

function formatOf(path: string): FileFormat {
  const extension = /\.(\w+)$/.exec(path.toLowerCase().replace(/\.gz$/, ''))?.[1] ?? ''
  const format = formats[extension]
  if (format === undefined) throw formatError('source', `'${path}'`)
  return format
}

function formatError(argument: string, received: string): ArgumentError {
  return new ArgumentError({
    function: 'readRows',
    argument,
    expected:
      argument === 'format'
        ? 'csv, tsv, jsonl or json'
        : 'a .csv, .tsv, .jsonl, .ndjson or .json file (or .gz of it)',
    received,
    remedy: "Pass { format: 'csv' } (or tsv, jsonl, json) if the name does not tell.",
  })
}

function pathOf(source: string | URL): string {
  const url = /^[a-z][a-z0-9+.-]+:\/\//i.test(String(source)) ? new URL(source) : undefined
  if (url === undefined) return String(source)
  if (url.protocol === 'file:') return fileURLToPath(url)
  throw new ArgumentError({
    function: 'readRows',
    argument: 'source',
    expected: 'a path or a file: URL',
    received: `'${url.href}'`,
    remedy: 'Download the file first and pass its path.',
  })
}

function emptyError(name: string): DataError {
  return new DataError({
    function: 'readRows',
    argument: name,
    expected: 'at least one row',
    received: 'empty',
    remedy: 'Pass rows with a text and a label; a first line that only names columns is no row.',
  })
}
