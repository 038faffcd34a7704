import { ArgumentError, createRandom, DataError, mixSeed } from '@tfx/common'

/** Indices of examples, batch by batch. */
export type Batches = number[][]

/** What every kind of batching is told. */
export interface BatchOptions {
  /** Examples in a batch, at least 1. */
  batchSize: number
  /** Default 42. Batches are a function of seed and epoch: the same on every machine, also after a resume. */
  seed?: number
  /** Default 0. */
  epoch?: number
  /** Leave out `examples % batchSize` examples, drawn anew each epoch, so that all batches are full. Default false. */
  dropLast?: boolean
}

/** Options of {@link batches}. */
export interface LengthBatchOptions<T> extends BatchOptions {
  /** The length of an example, for instance its number of tokens. */
  lengthOf: (example: T, index: number) => number
  /** Default true. False gives the batches of an evaluation: see {@link batches}. */
  shuffle?: boolean
  /**
   * How many batches are drawn together before they are sorted by length: more means less padding, fewer
   * means more chance. Default, as in Hugging Face's `LengthGroupedSampler`: 50, or less so that there
   * are at least four such groups.
   */
  bucketSize?: number
  /** Begin with the batch of the longest example, so that running out of memory shows at once. Default true. */
  longestFirst?: boolean
}

/**
 * Batches of examples of like length, for less padding. For training: examples are shuffled, taken in
 * groups of `bucketSize` batches, sorted by length within the group, cut into batches, and the batches
 * shuffled (the scheme of Hugging Face's `LengthGroupedSampler`, which leaves the batches of a group in
 * order). For evaluation, with `shuffle: false`: all examples sorted by falling length, equal lengths in
 * their own order, cut into batches; {@link restoreOrder} puts the results back.
 *
 * @returns Arrays of indices into `examples`; each index is in exactly one batch (at most one with `dropLast`).
 * @throws ArgumentError on a size below 1 or a length that is no number; DataError on no (full) batch.
 *
 * @example
 * ```ts
 * for (const indices of batches(encodings, { batchSize: 16, lengthOf: ({ inputIds }) => inputIds.length, epoch }))
 *   train(indices.map((index) => encodings[index]))
 * ```
 */
export function batches<T>(examples: readonly T[], options: LengthBatchOptions<T>): Batches {
  const { batchSize, lengthOf, shuffle = true, longestFirst = true } = options
  checkOptions(examples.length, { ...options, caller: 'batches' })
  const lengths = examples.map((example, index) => checkLength(lengthOf(example, index), index))
  const byLength = (left: number, right: number) => lengths[right]! - lengths[left]! || left - right
  if (!shuffle)
    return chunk([...examples.keys()].sort(byLength).slice(0, usable(examples.length, options)), batchSize)
  const random = randomOf(options)
  // What dropLast leaves out is cut before sorting: after it, it would always be the shortest examples.
  const order = random.shuffle([...examples.keys()]).slice(0, usable(examples.length, options))
  const groups = chunk(order, batchSize * (options.bucketSize ?? defaultBucketSize(order.length, batchSize)))
  const shuffled = random.shuffle(groups.flatMap((group) => chunk(group.sort(byLength), batchSize)))
  if (!longestFirst) return shuffled
  // A batch is sorted, so its first example is its longest.
  const longest = shuffled.reduce((best, batch) => (byLength(batch[0]!, best[0]!) < 0 ? batch : best))
  return [longest, ...shuffled.filter((batch) => batch !== longest)]
}

/**
 * Batches in exactly random order, whatever the lengths: Hugging Face's default sampler.
 *
 * @returns Arrays of indices into `examples`; each index is in exactly one batch (at most one with `dropLast`).
 * @throws ArgumentError on a batch size below 1; DataError on no (full) batch.
 */
export function shuffledBatches(examples: readonly unknown[], options: BatchOptions): Batches {
  checkOptions(examples.length, { ...options, caller: 'shuffledBatches' })
  const order = randomOf(options).shuffle([...examples.keys()])
  return chunk(order.slice(0, usable(order.length, options)), options.batchSize)
}

/**
 * Puts results that came batch by batch back into the order of the examples.
 *
 * @param results One array of results for each batch, in the order of its indices.
 * @returns One result for each example.
 * @throws ArgumentError if there are not as many results as indices.
 *
 * @example
 * ```ts
 * const order = batches(texts, { batchSize: 32, lengthOf: (text) => text.length, shuffle: false })
 * const scores = restoreOrder(order, await Promise.all(order.map(scoreBatch)))
 * ```
 */
export function restoreOrder<R>(batches: Batches, results: readonly ArrayLike<R>[]): R[] {
  const restored: R[] = []
  if (results.length !== batches.length)
    throw resultsError('', { expected: batches.length, received: results.length })
  for (const [number, indices] of batches.entries()) {
    const values = Array.from(results[number]!)
    if (values.length !== indices.length) {
      throw resultsError(`[${number}]`, { expected: indices.length, received: values.length })
    }
    indices.forEach((index, place) => (restored[index] = values[place] as R))
  }
  return restored
}

const randomOf = ({ seed = 42, epoch = 0 }: BatchOptions) => createRandom(mixSeed(seed, epoch))

const usable = (total: number, { dropLast = false, batchSize }: BatchOptions) =>
  dropLast ? total - (total % batchSize) : total

const defaultBucketSize = (total: number, batchSize: number) =>
  Math.max(1, Math.min(50, Math.floor(total / (batchSize * 4))))

function chunk(indices: readonly number[], size: number): Batches {
  const count = Math.ceil(indices.length / size)
  return Array.from({ length: count }, (_, number) => indices.slice(number * size, (number + 1) * size))
}

function checkOptions(
  total: number,
  { batchSize, bucketSize = 1, dropLast, caller }: BatchOptions & { bucketSize?: number; caller: string },
): void {
  for (const [argument, value] of Object.entries({ batchSize, bucketSize })) {
    if (Number.isInteger(value) && value >= 1) continue
    throw new ArgumentError({
      function: caller,
      argument,
      expected: 'an integer of at least 1',
      received: String(value),
      remedy: argument === 'batchSize' ? 'Usual batch sizes are 8 to 64.' : 'Leave it out for the default.',
    })
  }
  if (total > 0 && !(dropLast && total < batchSize)) return
  throw new DataError({
    function: caller,
    argument: 'examples',
    expected: dropLast ? `at least one batch of ${batchSize}` : 'at least one example',
    received: String(total),
    remedy: total > 0 ? 'Use a smaller batch, or leave out dropLast.' : 'Add examples.',
  })
}

function checkLength(length: number, index: number): number {
  if (Number.isFinite(length)) return length
  throw new ArgumentError({
    function: 'batches',
    argument: `lengthOf(examples[${index}])`,
    expected: 'a number',
    received: String(length),
    remedy: 'Return for instance the number of tokens.',
  })
}

function resultsError(
  place: string,
  { expected, received }: { expected: number; received: number },
): ArgumentError {
  return new ArgumentError({
    function: 'restoreOrder',
    argument: `results${place}`,
    expected: `of length ${expected}`,
    received: String(received),
    remedy: 'Pass one array for each batch, with one result for each of its examples.',
  })
}
