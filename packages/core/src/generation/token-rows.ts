import type { HostTensor } from '@tfx/common'

/** Tokens that a session reads at once, [rows, tokens] each. */
export interface TokenRows {
  readonly rows: number
  readonly inputIds: Int32Array
  readonly attentionMask: Int32Array
}

/** Rows with a token behind each. */
export function continued(
  { rows: count, inputIds, attentionMask }: TokenRows,
  { tokens, rows }: { tokens: Int32Array; rows: Int32Array },
): TokenRows {
  const before = inputIds.length / count
  const longer = (from: Int32Array, added: (row: number) => number) => {
    const to = new Int32Array(rows.length * (before + 1))
    rows.forEach((source, row) => {
      to.set(from.subarray(source * before, (source + 1) * before), row * (before + 1))
      to[(row + 1) * (before + 1) - 1] = added(row)
    })
    return to
  }
  return {
    rows: rows.length,
    inputIds: longer(inputIds, (row) => tokens[row]!),
    attentionMask: longer(attentionMask, () => 1),
  }
}

/** Rows without their first tokens. */
export function behind(all: TokenRows, tokens: number): TokenRows {
  if (tokens === 0) return all
  const { rows, inputIds, attentionMask } = all
  const length = inputIds.length / rows
  const rest = (from: Int32Array) => from.filter((_, index) => index % length >= tokens)
  return { rows, inputIds: rest(inputIds), attentionMask: rest(attentionMask) }
}

/** The tokens of the longest row, without its padding. */
export function longest({ rows, attentionMask }: TokenRows): number {
  const length = attentionMask.length / rows
  const lengths = Array.from({ length: rows }, (_, row) =>
    attentionMask.subarray(row * length, (row + 1) * length).reduce((sum, one) => sum + one, 0),
  )
  return Math.max(...lengths)
}

/** How many columns of padding are in front of each row's tokens. */
const paddingOf = ({ rows, attentionMask }: Omit<TokenRows, 'inputIds'>): number[] => {
  const length = attentionMask.length / rows
  return Array.from({ length: rows }, (_, row) =>
    attentionMask.subarray(row * length, (row + 1) * length).indexOf(1),
  )
}

/** Rows with places for a prompt in front of their tokens, and behind the padding that is there. */
export function behindPlaces({ rows, inputIds, attentionMask }: TokenRows, count: number): TokenRows {
  if (count === 0) return { rows, inputIds, attentionMask }
  const length = inputIds.length / rows
  const padding = paddingOf({ rows, attentionMask })
  const longer = (from: Int32Array, place: number) => {
    const to = new Int32Array(rows * (length + count))
    padding.forEach((start, row) => {
      const own = from.subarray(row * length, (row + 1) * length)
      const offset = row * (length + count)
      to.set(own.subarray(0, start), offset)
      to.fill(place, offset + start, offset + start + count)
      to.set(own.subarray(start), offset + start + count)
    })
    return to
  }
  return { rows, inputIds: longer(inputIds, 0), attentionMask: longer(attentionMask, 1) }
}

/** Which embedding of a prompt is at each place of the rows of {@link behindPlaces}; −1 where a token is. */
export function promptPlaces(rows: Omit<TokenRows, 'inputIds'>, count: number): HostTensor {
  const shape = [rows.rows, rows.attentionMask.length / rows.rows] as const
  const data = new Int32Array(rows.attentionMask.length).fill(-1)
  paddingOf(rows).forEach((start, row) => {
    for (let place = 0; place < count; place++) data[row * shape[1] + start + place] = place
  })
  return { dtype: 'int32', shape, data }
}

/** [rows, more columns, size] → as many columns as there are tokens, [rows, columns, size] */
export function lastColumns(
  from: Float32Array,
  { rows, inputIds }: Pick<TokenRows, 'rows' | 'inputIds'>,
  size: number,
): Float32Array {
  const [all, columns] = [from.length / rows, (inputIds.length / rows) * size]
  if (all === columns) return from
  const to = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++)
    to.set(from.subarray((row + 1) * all - columns, (row + 1) * all), row * columns)
  return to
}
