import { ArgumentError } from '@tfx/common'
import type { Optimizer } from '@tfx/train'
import type { TransferOptions } from './options'

/** Smallest value and kind of each number. */
const limits: Readonly<Record<string, { least: number; most?: number; integer?: boolean; above?: boolean }>> =
  {
    epochs: { least: 0, above: true },
    maxSteps: { least: 0, integer: true },
    evaluateEvery: { least: 1, integer: true },
    batchSize: { least: 1, integer: true },
    learningRate: { least: 0, above: true },
    warmupRatio: { least: 0, most: 1 },
    weightDecay: { least: 0 },
    maxGradientNorm: { least: 0 },
    gradientAccumulationSteps: { least: 1, integer: true },
    seed: { least: -(2 ** 31), most: 2 ** 32 - 1, integer: true },
    validationFraction: { least: 0, most: 0.9 },
    dropout: { least: 0, most: 0.99 },
    layerwiseDecay: { least: 0, most: 1, above: true },
    gradualUnfreezing: { least: 0, integer: true },
    emaDecay: { least: 0, most: 0.999999 },
    earlyStoppingPatience: { least: 0, integer: true },
    adversarialEpsilon: { least: 0 },
    neftuneAlpha: { least: 0 },
    rDrop: { least: 0 },
    mixup: { least: 0, most: 8 },
    stochasticDepth: { least: 0, most: 0.99 },
    swaStart: { least: 0, most: 1 },
    skipNonFinite: { least: 0, integer: true },
  }

/** Settings that have words of their own, and whether they may be a number too. */
const words: Readonly<Record<string, { known: readonly string[]; expected: string; orNumber: boolean }>> = {
  batching: { known: ['length', 'random'], expected: "'length' or 'random'", orNumber: false },
  evaluateEvery: { known: ['epoch'], expected: "'epoch' or a number of steps", orNumber: true },
  learningRate: { known: ['find'], expected: "a number, or 'find'", orNumber: true },
}

/** @throws ArgumentError on a setting of another kind, or outside its bounds. */
export function checkSetting(name: string, value: unknown, kind: string): void {
  const word = words[name]
  if (word?.known.includes(value as string)) return
  if (word && !(word.orNumber && typeof value === 'number')) throw wrong(name, word.expected, value)
  if (!word && typeof value !== kind) throw wrong(name, `a ${kind}`, value)
  const limit = limits[name]
  if (!limit || typeof value !== 'number') return
  const { least, most = Infinity, integer = false, above = false } = limit
  const inRange = Number.isFinite(value) && (above ? value > least : value >= least) && value <= most
  if (inRange && (!integer || Number.isInteger(value))) return
  const kindOf = integer ? 'an integer' : 'a number'
  const upper = most === Infinity ? '' : ` and at most ${most}`
  throw wrong(name, `${kindOf} ${above ? 'above' : 'of at least'} ${least}${upper}`, value)
}

/** @throws ArgumentError */
export function checkBestMode(bestMetric: TransferOptions['bestMetric']): void {
  if (typeof bestMetric !== 'object' || ['min', 'max'].includes(bestMetric.mode)) return
  throw wrong('bestMetric', "a name, or { metric, mode: 'min' or 'max' }", JSON.stringify(bestMetric))
}

/** A name must be one of those there are; anything else is made by a function, whose type tells. */
export function checkName(argument: string, value: unknown, names: readonly string[]): void {
  if (typeof value !== 'string' || names.includes(value)) return
  throw wrong(argument, `one of ${names.join(', ')}`, value)
}

/** @throws ArgumentError on an object that is no optimizer, or the function that makes one. */
export function checkOptimizer(optimizer: unknown): void {
  const { update, slots } = (optimizer ?? {}) as Partial<Optimizer>
  const isOne = typeof update === 'function' && Array.isArray(slots)
  if (optimizer === undefined || typeof optimizer === 'string' || isOne) return
  const received = typeof optimizer === 'function' ? 'a function' : JSON.stringify(optimizer)
  throw wrong('optimizer', 'a name, or what a function of @tfx/train returns, as adamW()', received)
}

/** Where a name is not the only way. */
const remedies: Readonly<Record<string, string>> = {
  schedule:
    "With settings: { name: 'cosine_with_min_lr', minRatio: 0.1 }. Any other is made by a function of the run: " +
    '(run) => cyclicSchedule({ … }); reduce_lr_on_plateau is the option plateau.',
}

/** What to throw on a setting that cannot be meant. */
export const wrong = (name: string, expected: string, received: unknown): ArgumentError =>
  new ArgumentError({
    function: 'transfer',
    argument: name === 'validationFraction' ? 'validation' : name,
    expected,
    received: typeof received === 'string' ? `'${received}'` : String(received),
    remedy: remedies[name] ?? 'Leave it out to use the default.',
  })
