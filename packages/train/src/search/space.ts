import { ArgumentError, type Random } from '@tfx/common'

/** What a choice is made among: all that JSON keeps as it is. */
export type Choice = string | number | boolean | null

/** A number within bounds, both included. */
export interface NumberDimension {
  readonly kind: 'number'
  readonly low: number
  readonly high: number
  /** Whether equal ratios are equally likely, rather than equal differences. */
  readonly log: boolean
  /** The distance between neighbours; 0 for every number in between. */
  readonly step: number
}

/** One of some values that have no order. */
export interface ChoiceDimension<C extends Choice = Choice> {
  readonly kind: 'choice'
  readonly choices: readonly C[]
}

export type Dimension = NumberDimension | ChoiceDimension

/** What is searched: a dimension for each parameter, by name. */
export type SearchSpace = Readonly<Record<string, Dimension>>

/** One point of a space. */
export type SearchParameters<Space extends SearchSpace = SearchSpace> = {
  readonly [Name in keyof Space]: ValueOf<Space[Name]>
}

type ValueOf<D> = D extends ChoiceDimension<infer C> ? C : number

/**
 * Any number from `low` to `high`, all equally likely at first: Optuna's `suggest_float`.
 *
 * @throws ArgumentError unless low < high.
 */
export function uniform(low: number, high: number): NumberDimension {
  checkBounds('uniform', { low, high }, low < high)
  return { kind: 'number', low, high, log: false, step: 0 }
}

/**
 * Any number from `low` to `high`, each decade equally likely: for learning rates. Optuna's `suggest_float(log=True)`.
 *
 * @throws ArgumentError unless 0 < low < high.
 */
export function logUniform(low: number, high: number): NumberDimension {
  checkBounds('logUniform', { low, high }, low > 0 && low < high)
  return { kind: 'number', low, high, log: true, step: 0 }
}

/**
 * A whole number from `low` to `high`, both included: Optuna's `suggest_int`.
 *
 * @param options `log`: each octave equally likely, rather than each number.
 * @throws ArgumentError on bounds that are no integers, in the wrong order, or below 1 with `log`.
 */
export function integer(low: number, high: number, { log = false }: { log?: boolean } = {}): NumberDimension {
  const isOrdered = low <= high && (!log || low >= 1)
  checkBounds('integer', { low, high }, isOrdered && Number.isInteger(low) && Number.isInteger(high))
  return { kind: 'number', low, high, log, step: 1 }
}

/**
 * One of these values, all equally likely at first: Optuna's `suggest_categorical`.
 *
 * @throws ArgumentError if there are none, or one twice.
 */
export function choice<const C extends Choice>(choices: readonly C[]): ChoiceDimension<C> {
  if (choices.length > 0 && new Set(choices).size === choices.length) return { kind: 'choice', choices }
  throw new ArgumentError({
    function: 'choice',
    argument: 'choices',
    expected: 'one or more values, all different',
    received: JSON.stringify(choices),
    remedy: 'List each value once.',
  })
}

/** The bounds of a dimension on the scale on which it is even; those of steps lie half a step further out. */
export function evenBounds({ low, high, log, step }: NumberDimension): { low: number; high: number } {
  const bounds = { low: low - step / 2, high: high + step / 2 }
  return log ? { low: Math.log(bounds.low), high: Math.log(bounds.high) } : bounds
}

/** The value of a dimension that lies at, or next to, a place on its even scale. */
export function fromEven(place: number, { low, high, log, step }: NumberDimension): number {
  const value = log ? Math.exp(place) : place
  const stepped = step === 0 ? value : low + Math.round((value - low) / step) * step
  return Math.min(Math.max(stepped, low), high)
}

/** A point anywhere in the space. */
export function samplePoint(space: SearchSpace, random: Random): SearchParameters {
  const sample = (dimension: Dimension) => {
    if (dimension.kind === 'choice') return dimension.choices[random.integer(dimension.choices.length)]!
    const { low, high } = evenBounds(dimension)
    return fromEven(low + random.next() * (high - low), dimension)
  }
  return Object.fromEntries(Object.entries(space).map(([name, dimension]) => [name, sample(dimension)]))
}

function checkBounds(caller: string, { low, high }: { low: number; high: number }, isSound: boolean): void {
  if (isSound && Number.isFinite(low) && Number.isFinite(high)) return
  const expected = {
    uniform: 'two finite numbers, the lower first',
    logUniform: 'two finite numbers above 0, the lower first',
    integer: 'two integers, the lower first, both at least 1 with log',
  }[caller]
  throw new ArgumentError({
    function: caller,
    argument: 'low, high',
    ...(expected && { expected }),
    received: `${low}, ${high}`,
    remedy: 'For a value that does not vary leave the dimension out and write it into the objective.',
  })
}
