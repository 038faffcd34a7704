import { DataError, throwIfAborted } from '@tfx/common'
import { discoverColumns, type ColumnOptions, type ResolvedColumns } from './columns'
import { type Cell, checkBlank, createList, toText } from './examples'
import { readRows, type RowSource } from './read-rows'

/** A text and its labels, of which there may be any number. */
export interface MultiLabelExample {
  text: string
  /** The second text of tasks over pairs. */
  textPair?: string
  /** The names of its labels, each once; numbers and booleans become `'1'`, `'true'`. */
  labels: readonly string[]
}

/**
 * Turns rows into checked examples of any number of labels, also none. A cell holds them as a list, or as a string that
 * separates them by `|` or `;`; a cell that is missing, null or blank says that there are none.
 *
 * @param rows The rows, for instance from {@link readRows}.
 * @throws DataError if a column is missing, a text is blank or no string, a label is an object, or there is no row;
 *   AbortedError.
 *
 * @example
 * ```ts
 * const { examples } = await multiLabelExamples([{ text: 'Great food, rude waiter', labels: 'food|service' }])
 * ```
 */
export async function multiLabelExamples(
  rows: RowSource,
  options: ColumnOptions & { signal?: AbortSignal } = {},
): Promise<{ examples: MultiLabelExample[]; columns: ResolvedColumns }> {
  const source = readRows(rows)
  const examples: MultiLabelExample[] = []
  const blank = createList()
  let columns: ResolvedColumns | undefined
  for await (const { row, location } of source.located()) {
    throwIfAborted(options.signal, 'multiLabelExamples')
    columns ??= discoverColumns(Object.keys(row), options)
    const cell = (column: string) => ({
      value: row[column],
      argument: `${source.name}, ${location}, ${column}`,
    })
    const text = toText(cell(columns.text.name))
    const textPair = columns.textPair && toText(cell(columns.textPair.name))
    if (text.trim() === '' || textPair?.trim() === '') blank.add(location)
    const labels = toLabels(cell(columns.label.name))
    examples.push(textPair === undefined ? { text, labels } : { text, textPair, labels })
  }
  checkBlank(blank, source.name)
  // Without a row, readRows has thrown.
  return { examples, columns: columns! }
}

function toLabels({ value, argument }: Cell): string[] {
  if (value === null || value === undefined) return []
  const values: unknown[] =
    typeof value === 'string' ? value.split(/[|;]/) : Array.isArray(value) ? value : [value]
  const names = values.map((each) => {
    if (['string', 'number', 'boolean', 'bigint'].includes(typeof each)) return String(each).trim()
    throw new DataError({
      function: 'multiLabelExamples',
      argument,
      expected: 'a list of strings, numbers or booleans, or a string that separates them by | or ;',
      received: each === null ? 'null in a list' : `of type ${typeof each}`,
      remedy: 'Give each row the names of its labels, or name the right column with { labelColumn }.',
    })
  })
  return [...new Set(names)].filter((name) => name !== '')
}
