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

/** [rows, columns, size] → [rows, size] */
export function lastColumn(from: Float32Array, { rows, size }: { rows: number; size: number }): Float32Array {
  const columns = from.length / (rows * size)
  if (columns === 1) return from
  const to = new Float32Array(rows * size)
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * columns * size
    to.set(from.subarray(end - size, end), row * size)
  }
  return to
}
