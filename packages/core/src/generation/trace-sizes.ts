/**
 * Sizes at which a step with a cache is traced: `total` is `past` + `sequence`, and no size fits an expression over
 * other axes.
 */
export const cacheTraceSizes = [
  { batch: 5, sequence: 7, past: 4, total: 11 },
  { batch: 7, sequence: 13, past: 9, total: 22 },
  { batch: 3, sequence: 11, past: 19, total: 30 },
] as const

/** The same for a decoder that looks at a source. */
export const sequenceTraceSizes = [
  { batch: 5, sequence: 7, past: 4, total: 11, source: 17 },
  { batch: 7, sequence: 13, past: 9, total: 22, source: 6 },
  { batch: 3, sequence: 11, past: 19, total: 30, source: 14 },
] as const
