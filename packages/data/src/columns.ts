import { DataError } from '@tfx/common'

/** Which columns to use; those that are not given are looked for by their usual names. */
export interface ColumnOptions {
  textColumn?: string
  labelColumn?: string
  /** The second text of tasks over pairs. There is none unless it is given. */
  textPairColumn?: string
}

/** A column and how it was chosen. */
export interface ResolvedColumn {
  name: string
  /** `option`: the caller named it; `discovered`: it has one of the usual names. */
  origin: 'option' | 'discovered'
}

/** The columns of labelled text. */
export interface ResolvedColumns {
  text: ResolvedColumn
  label: ResolvedColumn
  textPair?: ResolvedColumn
}

/** The usual names, the most telling first. */
const usualNames = {
  text: [
    'text',
    'sentence',
    'review',
    'content',
    'comment',
    'tweet',
    'message',
    'body',
    'document',
    'sentence1',
  ],
  label: [
    'label',
    'labels',
    'sentiment',
    'class',
    'category',
    'rating',
    'stars',
    'polarity',
    'target',
    'score',
  ],
} as const

/**
 * Finds the columns of text and label: the given ones, or else the first of the usual names that is
 * there, in upper or lower case (`text`, `sentence`, `review`, `content`, …; `label`, `sentiment`,
 * `class`, `rating`, …).
 *
 * @param columns The columns that are there.
 * @throws DataError if one is missing, listing those that are there.
 *
 * @example
 * ```ts
 * discoverColumns(['id', 'Review', 'stars'])
 * // { text: { name: 'Review', origin: 'discovered' }, label: { name: 'stars', origin: 'discovered' } }
 * ```
 */
export function discoverColumns(columns: readonly string[], options: ColumnOptions = {}): ResolvedColumns {
  const { textColumn, labelColumn, textPairColumn } = options
  return {
    text: resolveColumn(columns, { role: 'text', option: 'textColumn', given: textColumn }),
    label: resolveColumn(columns, { role: 'label', option: 'labelColumn', given: labelColumn }),
    ...(textPairColumn !== undefined && {
      textPair: given(columns, { option: 'textPairColumn', name: textPairColumn }),
    }),
  }
}

interface Wanted {
  role: 'text' | 'label'
  option: keyof ColumnOptions
  given: string | undefined
}

function resolveColumn(columns: readonly string[], wanted: Wanted): ResolvedColumn {
  if (wanted.given !== undefined) return given(columns, { option: wanted.option, name: wanted.given })
  for (const usual of usualNames[wanted.role]) {
    const name = columns.find((column) => column.toLowerCase() === usual)
    if (name !== undefined) return { name, origin: 'discovered' }
  }
  throw missing(columns, {
    option: wanted.option,
    expected: `a column with a usual name (${usualNames[wanted.role].join(', ')})`,
    remedy: `Pass { ${wanted.option}: '…' } with the one that holds the ${wanted.role}; if the file has no header, pass { columns: [...] }.`,
  })
}

function given(
  columns: readonly string[],
  { option, name }: { option: string; name: string },
): ResolvedColumn {
  if (columns.includes(name)) return { name, origin: 'option' }
  throw missing(columns, {
    option,
    expected: `a column that is there, not '${name}'`,
    remedy: 'Pass one of those.',
  })
}

function missing(
  columns: readonly string[],
  { option, expected, remedy }: { option: string; expected: string; remedy: string },
): DataError {
  return new DataError({
    function: 'discoverColumns',
    argument: option,
    expected,
    received: `the columns ${columns.map((column) => `'${column}'`).join(', ') || '(none)'}`,
    remedy,
  })
}
