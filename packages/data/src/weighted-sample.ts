import { ArgumentError, createRandom, DataError, mixSeed } from '@tfx/common'

/** Options of {@link weightedSample}. */
export interface WeightedSampleOptions {
  /** How many to draw. Default: as many as there are weights. */
  count?: number
  /** Default 42. */
  seed?: number
  /** Each epoch draws anew. Default 0. */
  epoch?: number
}

/**
 * Draws examples by their weights, with replacement: each draw is example i with the probability wᵢ / Σw, as in torch's
 * `WeightedRandomSampler`.
 *
 * @param weights One for each example; they need not add up to 1.
 * @returns Indices of the examples drawn.
 * @throws ArgumentError on a weight that is negative or not finite, or a count that is not a whole number; DataError if
 *   no weight is above 0.
 *
 * @example
 * ```ts
 * const drawn = weightedSample(balancedSampleWeights(labels), { epoch })
 * ```
 */
export function weightedSample(
  weights: readonly number[],
  { count = weights.length, seed = 42, epoch = 0 }: WeightedSampleOptions = {},
): number[] {
  if (!Number.isInteger(count) || count < 0) {
    throw new ArgumentError({
      function: 'weightedSample',
      argument: 'count',
      expected: 'a whole number',
      received: String(count),
      remedy: 'Leave it out to draw as many as there are weights.',
    })
  }
  const sums = cumulativeSums(weights)
  const total = sums.at(-1)!
  const random = createRandom(mixSeed(seed, epoch))
  return Array.from({ length: count }, () => firstAbove(sums, random.next() * total))
}

/** The sum of the weights up to each of them. */
function cumulativeSums(weights: readonly number[]): Float64Array {
  const sums = new Float64Array(weights.length)
  let sum = 0
  for (const [index, weight] of weights.entries()) {
    if (!(weight >= 0 && weight < Infinity)) {
      throw new ArgumentError({
        function: 'weightedSample',
        argument: `weights[${index}]`,
        expected: 'a finite number of at least 0',
        received: String(weight),
        remedy: 'An example of weight 0 is never drawn.',
      })
    }
    sums[index] = sum += weight
  }
  if (sum > 0) return sums
  throw new DataError({
    function: 'weightedSample',
    argument: 'weights',
    expected: 'above 0 for one example or more',
    received: `${weights.length} that add up to 0`,
    remedy: 'Give the examples that are to be drawn a weight.',
  })
}

/** The first place whose sum is above a number that is below the last. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle]! > value) high = middle
    else low = middle + 1
  }
  return low
}
