/** Sizes at which an export with a cache is traced: `total` is `past` + `sequence`, and nothing else fits anything. */
export const cacheTraceSizes = [
  { batch: 5, sequence: 7, past: 4, total: 11 },
  { batch: 7, sequence: 13, past: 9, total: 22 },
  { batch: 3, sequence: 11, past: 19, total: 30 },
] as const

/** The same for a step whose cache has `room`: `total` is how much of it is filled after the step. */
export const stepTraceSizes = [
  { batch: 5, sequence: 7, room: 23, total: 11 },
  { batch: 7, sequence: 13, room: 37, total: 22 },
  { batch: 3, sequence: 11, room: 51, total: 30 },
] as const

/** The same for a decoder that looks at a source. */
export const sequenceTraceSizes = [
  { ...stepTraceSizes[0], source: 17 },
  { ...stepTraceSizes[1], source: 6 },
  { ...stepTraceSizes[2], source: 14 },
] as const
