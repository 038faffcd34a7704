import { ArgumentError, createRandom, DataError } from '@tfx/common'

/** How many examples the test part gets: a share of all in (0, 1), or their number. */
export type TestSize = { fraction: number; size?: never } | { size: number; fraction?: never }

/** Options of {@link split}. */
export type SplitOptions = TestSize & {
  /** Default 42. */
  seed?: number
}

/** Options of {@link stratifiedSplit}. */
export type StratifiedSplitOptions<T> = SplitOptions & {
  /** The class of an example. */
  by: (example: T) => string | number
}

/** Two parts that share no example; both keep the order of the examples. */
export interface Split<T> {
  train: T[]
  test: T[]
}

/**
 * A new array of the same elements in random order; the same seed gives the same order.
 *
 * @param options.seed Default 42.
 */
export function shuffle<T>(examples: readonly T[], { seed = 42 }: { seed?: number } = {}): T[] {
  return createRandom(seed).shuffle(examples)
}

/**
 * Takes some examples at random for testing.
 *
 * @throws ArgumentError on a size that leaves one part empty; DataError on fewer than two examples.
 */
export function split<T>(examples: readonly T[], options: SplitOptions): Split<T> {
  const size = testSize(examples.length, { ...options, caller: 'split' })
  const indices = createRandom(options.seed ?? 42).shuffle([...examples.keys()])
  return divide(examples, new Set(indices.slice(0, size)))
}

/**
 * Takes some examples of each class at random for testing: as many as its share, rounded up or down so
 * that the whole comes out right. Every class of at least two examples is in both parts; the only example
 * of a class is for training. For that a `fraction` (not a `size`) gives way by a few examples.
 *
 * @throws ArgumentError on a size that leaves a part empty; DataError on fewer than two examples, on a `size`
 *   that cannot have every class in both parts, or if every example is of a class of its own.
 *
 * @example
 * ```ts
 * const { train, test } = stratifiedSplit(examples, { fraction: 0.2, by: ({ label }) => label })
 * ```
 */
export function stratifiedSplit<T>(examples: readonly T[], options: StratifiedSplitOptions<T>): Split<T> {
  const wanted = testSize(examples.length, { ...options, caller: 'stratifiedSplit' })
  checkFunction(options.by)
  const classes = new Map<string | number, number[]>()
  for (const [index, example] of examples.entries()) {
    const label = options.by(example)
    const members = classes.get(label)
    if (members === undefined) classes.set(label, [index])
    else members.push(index)
  }
  const groups = [...classes.values()]
  const shares = groups.map((members) => shareOf(members.length, wanted / examples.length))
  const least = shares.reduce((total, { least }) => total + least, 0)
  const most = shares.reduce((total, { most }) => total + most, 0)
  if (most === 0 || (options.size !== undefined && (wanted < least || wanted > most))) {
    throw new DataError({
      function: 'stratifiedSplit',
      argument: most === 0 ? 'by' : 'size',
      expected:
        most === 0
          ? 'a class that some examples share'
          : `from ${least} to ${most}, to have every class in both parts`,
      received: most === 0 ? 'different for every example' : String(wanted),
      remedy: 'Change the size, add examples of the rare classes, or use split.',
    })
  }
  const counts = allocate(shares, Math.min(most, Math.max(least, wanted)))
  const random = createRandom(options.seed ?? 42)
  const chosen = groups.flatMap((members, group) => random.shuffle(members).slice(0, counts[group]))
  return divide(examples, new Set(chosen))
}

/** @throws ArgumentError */
function checkFunction(by: unknown): void {
  if (typeof by === 'function') return
  throw new ArgumentError({
    function: 'stratifiedSplit',
    argument: 'by',
    expected: 'a function from an example to its class',
    received: typeof by,
    remedy: 'Pass for instance { by: ({ label }) => label }.',
  })
}

/** How many examples of a class may be taken, and how many would be exactly its share. */
interface Share {
  quota: number
  least: number
  most: number
}

function shareOf(members: number, fraction: number): Share {
  const quota = members * fraction
  if (members === 1) return { quota, least: 0, most: 0 }
  return { quota, least: Math.max(1, Math.floor(quota)), most: Math.min(members - 1, Math.ceil(quota)) }
}

/** Hands out `total` by largest remainder: one more to the classes furthest below their quota. */
function allocate(shares: readonly Share[], total: number): number[] {
  const counts = shares.map(({ least }) => least)
  const missing = total - counts.reduce((sum, count) => sum + count, 0)
  shares
    .map(({ quota, least, most }, group) => ({ group, room: most - least, remainder: quota - least }))
    .filter(({ room }) => room > 0)
    .sort((left, right) => right.remainder - left.remainder || left.group - right.group)
    .slice(0, missing)
    .forEach(({ group }) => (counts[group] = (counts[group] ?? 0) + 1))
  return counts
}

function testSize(total: number, { fraction, size, caller }: SplitOptions & { caller: string }): number {
  if (total < 2) {
    throw new DataError({
      function: caller,
      argument: 'examples',
      expected: 'at least two examples',
      received: String(total),
      remedy: 'Add examples, or pass a test set of your own.',
    })
  }
  if (
    size !== undefined ? Number.isInteger(size) && size > 0 && size < total : fraction > 0 && fraction < 1
  ) {
    return size ?? Math.min(total - 1, Math.max(1, Math.round(total * Number(fraction))))
  }
  throw new ArgumentError({
    function: caller,
    argument: size === undefined ? 'fraction' : 'size',
    expected: size === undefined ? 'between 0 and 1' : `an integer from 1 to ${total - 1}`,
    received: String(size ?? fraction),
    remedy: 'Both parts need at least one example.',
  })
}

function divide<T>(examples: readonly T[], chosen: ReadonlySet<number>): Split<T> {
  return {
    train: examples.filter((_, index) => !chosen.has(index)),
    test: examples.filter((_, index) => chosen.has(index)),
  }
}
