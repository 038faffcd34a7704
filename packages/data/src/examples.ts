import { ArgumentError, DataError, throwIfAborted } from '@tfx/common'
import { discoverColumns, type ColumnOptions, type ResolvedColumns } from './columns'
import { readRows, type LocatedRow, type RowSource } from './read-rows'
import { textFault } from './text-fault'

/** A text and its label. */
export interface LabelledExample {
  text: string
  /** The second text of tasks over pairs. */
  textPair?: string
  /** The label's name; numbers and booleans become `'1'`, `'true'`. */
  label: string
}

/** Options of {@link labelledExamples}. */
export interface LabelledExamplesOptions extends ColumnOptions {
  /** What to do with rows that have no label: refuse them all (default), or leave them out. */
  unlabelled?: 'error' | 'drop'
  signal?: AbortSignal
}

/** What {@link labelledExamples} found. */
export interface LabelledExamples {
  examples: LabelledExample[]
  /** The columns that were used, and how they were chosen. */
  columns: ResolvedColumns
  /** The number of rows left out because they have no label. */
  dropped: number
}

/**
 * Turns rows into checked examples. The columns are found in the first row. Labels become strings without
 * space around them; a label that is missing, null, not a number or blank counts as none.
 *
 * @param rows The rows, for instance from {@link readRows}.
 * @throws ArgumentError on another `unlabelled`; DataError if a column is missing, if rows have no label (counted, with the first lines), if a
 *   text is blank, no string, or holds control characters or half a surrogate pair, if a label is an object, or if no example is left; AbortedError.
 *
 * @example
 * ```ts
 * const { examples, columns } = await labelledExamples(readRows('reviews.csv'))
 * console.log(columns.text) // { name: 'review', origin: 'discovered' }
 * ```
 */
export async function labelledExamples(
  rows: RowSource,
  options: LabelledExamplesOptions = {},
): Promise<LabelledExamples> {
  checkUnlabelled(options.unlabelled)
  const source = readRows(rows)
  const examples: LabelledExample[] = []
  const unlabelled = createList()
  const blank = createList()
  let columns: ResolvedColumns | undefined
  for await (const located of source.located()) {
    throwIfAborted(options.signal, 'labelledExamples')
    columns ??= discoverColumns(Object.keys(located.row), options)
    const example = toExample(located, { columns, source: source.name })
    if (example.label === '') unlabelled.add(located.location)
    else if (example.text.trim() === '' || example.textPair?.trim() === '') blank.add(located.location)
    else examples.push(example)
  }
  if (unlabelled.count > 0 && options.unlabelled !== 'drop') {
    throw new DataError({
      function: 'labelledExamples',
      argument: source.name,
      expected: 'labelled in every row',
      received: `${unlabelled.describe()} without a label`,
      remedy: "Label or delete them, or pass { unlabelled: 'drop' } to leave them out.",
    })
  }
  checkBlank(blank, source.name)
  if (columns === undefined || examples.length === 0) {
    throw new DataError({
      function: 'labelledExamples',
      argument: source.name,
      expected: 'at least one labelled row',
      received: `${unlabelled.count} rows, none of them labelled`,
      remedy: 'Label some rows, or name the right column with { labelColumn }.',
    })
  }
  return { examples, columns, dropped: unlabelled.count }
}

/** @throws ArgumentError */
function checkUnlabelled(given: unknown): void {
  if (given === undefined || given === 'error' || given === 'drop') return
  throw new ArgumentError({
    function: 'labelledExamples',
    argument: 'unlabelled',
    expected: "'error' or 'drop'",
    received: typeof given === 'string' ? `'${given}'` : JSON.stringify(given),
    remedy: "Leave it out to refuse rows without a label, or pass 'drop' to leave them out.",
  })
}

/** The example of a row; its label is '' if it has none. */
function toExample(
  { row, location }: LocatedRow,
  { columns, source }: { columns: ResolvedColumns; source: string },
): LabelledExample {
  const at = (column: string) => ({ value: row[column], argument: `${source}, ${location}, ${column}` })
  const label = toLabel(at(columns.label.name))
  // A row without a label may be dropped, so that its text is nobody's business.
  if (label === '') return { text: '', label }
  const text = toText(at(columns.text.name))
  if (columns.textPair === undefined) return { text, label }
  return { text, textPair: toText(at(columns.textPair.name)), label }
}

/** A value of a row with its place, for messages. */
export interface Cell {
  value: unknown
  argument: string
}

/** A text that is there, or ''. @throws DataError if it is no string, or holds control characters or half a surrogate pair. */
export function toText({ value, argument }: Cell): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') {
    const fault = value.trim() === '' ? undefined : textFault(value)
    if (fault === undefined) return value
    throw new DataError({ function: 'labelledExamples', argument, ...fault })
  }
  throw new DataError({
    function: 'labelledExamples',
    argument,
    expected: 'a string',
    received: `of type ${typeof value}`,
    remedy: 'Turn it into a string, or name the right column with { textColumn }.',
  })
}

function toLabel({ value, argument }: Cell): string {
  if (value === null || value === undefined || Number.isNaN(value)) return ''
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value)
  throw new DataError({
    function: 'labelledExamples',
    argument,
    expected: 'a string, number or boolean',
    received: Array.isArray(value) ? 'an array' : `of type ${typeof value}`,
    remedy: 'Give each row exactly one label, or name the right column with { labelColumn }.',
  })
}

/** @throws DataError if rows of the source have no text. */
export function checkBlank(blank: LocationList, source: string): void {
  if (blank.count === 0) return
  throw new DataError({
    function: 'labelledExamples',
    argument: source,
    expected: 'text in every row',
    received: `${blank.describe()} with blank text`,
    remedy: 'Delete them, or fill in their text.',
  })
}

/** Places in a source. */
interface LocationList {
  count: number
  add(location: string): void
  describe(): string
}

/** Counts locations and keeps the first few, so that a message stays short. */
export function createList(): LocationList {
  const first: string[] = []
  return {
    count: 0,
    add(location: string) {
      this.count++
      if (first.length < 5) first.push(location)
    },
    describe() {
      const more = this.count > first.length ? ', …' : ''
      return `${this.count} ${this.count === 1 ? 'row' : 'rows'} (${first.join(', ')}${more})`
    },
  }
}
