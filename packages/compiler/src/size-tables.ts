/** For each of up to four axes its sizes in three traces. */
export type SizeTable = readonly (readonly [number, number, number])[]

/**
 * Sizes to trace at. Distinct, above 1 (an axis of 1 broadcasts), and with unequal gaps, so that an
 * expression in one axis never fits another, nor a product of two. A later table is tried if a size of
 * an earlier one happens to equal one of the model's own. Small sizes come first, since functions may
 * have a maximum (the number of positions); the last ones are numbers that no model chooses.
 */
export const sizeTables: readonly SizeTable[] = [
  [
    [5, 7, 3],
    [7, 13, 11],
    [4, 9, 19],
    [17, 6, 14],
  ],
  [
    [9, 4, 6],
    [10, 15, 6],
    [13, 3, 5],
    [6, 22, 11],
  ],
  [
    [23, 31, 47],
    [29, 53, 37],
    [41, 19, 59],
    [43, 61, 17],
  ],
]
