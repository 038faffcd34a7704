/** The length of the longest common subsequence of two texts; memory for one row of the shorter. */
export function commonLength(left: readonly string[], right: readonly string[]): number {
  const [long, short] = left.length < right.length ? [right, left] : [left, right]
  // lengths[j]: of the words of `long` so far and the first j of `short`.
  const lengths = new Uint32Array(short.length + 1)
  for (const word of long) {
    let diagonal = 0
    short.forEach((other, index) => {
      const above = lengths[index + 1] ?? 0
      lengths[index + 1] = word === other ? diagonal + 1 : Math.max(above, lengths[index] ?? 0)
      diagonal = above
    })
  }
  return lengths[short.length] ?? 0
}

/**
 * The places in `reference` of one longest common subsequence; of several, the one that `rouge_score` reads out of its
 * table. Memory for the product of both lengths.
 */
export function commonPlaces(reference: readonly string[], written: readonly string[]): number[] {
  const width = written.length + 1
  const table = new Uint32Array((reference.length + 1) * width)
  const lengthAt = (row: number, column: number) => table[row * width + column] ?? 0
  reference.forEach((word, row) => {
    written.forEach((other, column) => {
      table[(row + 1) * width + column + 1] =
        word === other
          ? lengthAt(row, column) + 1
          : Math.max(lengthAt(row, column + 1), lengthAt(row + 1, column))
    })
  })
  const places: number[] = []
  let row = reference.length
  let column = written.length
  while (row > 0 && column > 0) {
    if (reference[row - 1] === written[column - 1]) {
      places.push(row - 1)
      row--
      column--
    } else if (lengthAt(row, column - 1) > lengthAt(row - 1, column)) column--
    else row--
  }
  return places.reverse()
}
