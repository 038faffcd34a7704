/** A source of reproducible random numbers. The same seed gives the same sequence on every machine. */
export interface Random {
  /** A number in [0, 1), with 32 random bits. */
  next(): number
  /** An integer in [0, limit). */
  integer(limit: number): number
  /** A number from the standard normal distribution. */
  normal(): number
  /** A new array with the same elements in random order (Fisher-Yates). */
  shuffle<T>(values: readonly T[]): T[]
  /** The position in the sequence: `createRandom(random.state())` continues where this one stands. */
  state(): RandomState
}

/** The whole state of a {@link Random}; plain JSON. */
export interface RandomState {
  seed: number
  counter: number
}

/**
 * Mixes two 32-bit integers into one, evenly: a counter-based generator (the finalizer of
 * MurmurHash3 over a Weyl sequence). Used for seeds of independent streams.
 *
 * @example
 * ```ts
 * const dropoutSeed = mixSeed(seed, step)
 * ```
 */
export function mixSeed(seed: number, counter: number): number {
  let bits = (seed ^ Math.imul(counter + 1, 0x9e3779b9)) | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/**
 * A seeded random generator whose state is two integers, so that a run can be saved and resumed.
 *
 * @param from A seed (any integer) or the saved state of another generator.
 *
 * @example
 * ```ts
 * const random = createRandom(42)
 * random.shuffle(['a', 'b', 'c'])
 * ```
 */
export function createRandom(from: number | RandomState): Random {
  const seed = mixSeed((typeof from === 'number' ? from : from.seed) | 0, 0)
  let counter = typeof from === 'number' ? 0 : from.counter
  const next = () => mixSeed(mixSeed(seed, counter++), counter) / 4294967296
  const integer = (limit: number) => Math.floor(next() * limit)
  return {
    next,
    integer,
    // Box-Muller; 1 - next() keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffle(values) {
      const shuffled = [...values]
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = integer(last + 1)
        const held = shuffled[last] as (typeof shuffled)[number]
        shuffled[last] = shuffled[other] as (typeof shuffled)[number]
        shuffled[other] = held
      }
      return shuffled
    },
    state: () => ({ seed: typeof from === 'number' ? from : from.seed, counter }),
  }
}
