import { ArgumentError } from '@tfx/common'
import { checkCount, checkNumber } from '../check-numbers'
import { checkNoOthers, checkOneOf } from '../check-options'
import type { Schedule } from './schedule'

/** How long a schedule warms up: a number of steps, or a part of all steps (rounded up). Not both. */
export interface WarmupOptions {
  /** Steps over which the factor rises from 0 to 1. Default 0. */
  warmupSteps?: number
  /** The same as a fraction of `totalSteps`, between 0 and 1. */
  warmupRatio?: number
  /** Optimizer steps of the whole run. */
  totalSteps: number
}

/** The base learning rate throughout: `get_scheduler('constant')`. */
export function constantSchedule(): Schedule {
  return () => 1
}

/**
 * Rises linearly from 0 over the warm-up, then stays: `get_scheduler('constant_with_warmup')`.
 *
 * @throws ArgumentError if the warm-up is negative or not an integer.
 */
export function constantWithWarmupSchedule({ warmupSteps, ...others }: { warmupSteps: number }): Schedule {
  checkBesideRun('constantWithWarmupSchedule', others)
  checkCount('constantWithWarmupSchedule', { warmupSteps })
  return (step) => (step < warmupSteps ? step / warmupSteps : 1)
}

/**
 * Rises linearly from 0 over the warm-up, then falls linearly to 0 at `totalSteps`:
 * `get_scheduler('linear')`, the default of the Hugging Face Trainer.
 *
 * @throws ArgumentError on counts that are negative or not integers, a ratio outside [0, 1], or both.
 *
 * @example
 * ```ts
 * const schedule = linearSchedule({ warmupRatio: 0.1, totalSteps: 1000 })
 * schedule(50) // 0.5
 * ```
 */
export function linearSchedule(options: WarmupOptions): Schedule {
  const { warmup, total } = resolveWarmup('linearSchedule', options)
  return (step) => (step < warmup ? step / warmup : Math.max(0, (total - step) / Math.max(1, total - warmup)))
}

/**
 * Rises linearly from 0 over the warm-up, then follows a cosine to 0 at `totalSteps`:
 * `get_scheduler('cosine')`.
 *
 * @param options `cycles`: waves between the warm-up and the end; default 0.5, one fall.
 * @throws ArgumentError as {@link linearSchedule}.
 */
export function cosineSchedule({ cycles = 0.5, ...options }: WarmupOptions & { cycles?: number }): Schedule {
  checkNumber('cosineSchedule', { cycles }, { least: 0 })
  return afterWarmup('cosineSchedule', options, (progress) => wave(progress, cycles))
}

/**
 * A cosine from 1 to 0 that starts again `cycles` times: `get_scheduler('cosine_with_restarts')`.
 *
 * @param options `cycles`: how many falls; default 1.
 * @throws ArgumentError as {@link linearSchedule}.
 */
export function cosineWithRestartsSchedule({
  cycles = 1,
  ...options
}: WarmupOptions & { cycles?: number }): Schedule {
  checkNumber('cosineWithRestartsSchedule', { cycles }, { least: 0 })
  return afterWarmup('cosineWithRestartsSchedule', options, (progress) =>
    progress >= 1 ? 0 : wave((cycles * progress) % 1, 0.5),
  )
}

/**
 * A cosine that ends at a part of the base rate instead of 0: `get_scheduler('cosine_with_min_lr')`.
 *
 * @param options `minRatio`: the least factor, Hugging Face's `min_lr_rate`; `cycles` as in {@link cosineSchedule}.
 * @throws ArgumentError as {@link linearSchedule}, or if `minRatio` is outside [0, 1].
 */
export function cosineWithMinimumSchedule({
  minRatio,
  cycles = 0.5,
  ...options
}: WarmupOptions & { minRatio: number; cycles?: number }): Schedule {
  checkNumber('cosineWithMinimumSchedule', { minRatio }, { least: 0, most: 1 })
  checkNumber('cosineWithMinimumSchedule', { cycles }, { least: 0 })
  return afterWarmup(
    'cosineWithMinimumSchedule',
    options,
    (progress) => wave(progress, cycles) * (1 - minRatio) + minRatio,
  )
}

/**
 * Falls as a power of what remains, to `endLearningRate`: `get_scheduler('polynomial')`.
 *
 * @param options `learningRate`: the base rate, which the end is measured by; `endLearningRate`: default 1e-7;
 * `power`: default 1.
 * @throws ArgumentError as {@link linearSchedule}, or unless `learningRate` is above `endLearningRate`.
 */
export function polynomialSchedule({
  learningRate,
  endLearningRate = 1e-7,
  power = 1,
  ...options
}: WarmupOptions & { learningRate: number; endLearningRate?: number; power?: number }): Schedule {
  checkNumber('polynomialSchedule', { learningRate, endLearningRate, power }, { least: 0 })
  if (learningRate <= endLearningRate) {
    throw new ArgumentError({
      function: 'polynomialSchedule',
      argument: 'endLearningRate',
      expected: `below the learning rate, ${learningRate}`,
      received: String(endLearningRate),
      remedy: 'Lower it, or use a constant schedule.',
    })
  }
  return afterWarmup('polynomialSchedule', options, (progress, step) => {
    if (step > options.totalSteps) return endLearningRate / learningRate
    return ((learningRate - endLearningRate) * (1 - progress) ** power + endLearningRate) / learningRate
  })
}

/**
 * Falls with the square root of the steps taken, without an end: `get_scheduler('inverse_sqrt')`.
 *
 * @param options `timescale`: after how many steps beyond the first the fall sets in; default the warm-up, or 10,000
 * without one.
 * @throws ArgumentError if a count is negative or no integer.
 */
export function inverseSqrtSchedule({
  warmupSteps = 0,
  timescale = warmupSteps || 10_000,
  ...others
}: {
  warmupSteps?: number
  timescale?: number
} = {}): Schedule {
  checkBesideRun('inverseSqrtSchedule', others)
  checkCount('inverseSqrtSchedule', { warmupSteps })
  checkCount('inverseSqrtSchedule', { timescale }, 1)
  return (step) =>
    step < warmupSteps ? step / warmupSteps : 1 / Math.sqrt((step + timescale - warmupSteps) / timescale)
}

/** How a factor rises or falls between two values. */
export type DecayShape = 'linear' | 'cosine' | '1-sqrt'

const fall: Record<DecayShape, (progress: number) => number> = {
  linear: (progress) => 1 - progress,
  cosine: (progress) => wave(progress, 0.5),
  '1-sqrt': (progress) => 1 - Math.sqrt(progress),
}

/**
 * Rises, stays at 1, and falls over the last steps: `get_scheduler('warmup_stable_decay')`.
 *
 * @param options `decaySteps`: over how many of the last steps it falls; `warmupShape`: default `linear`; `decayShape`: default
 * `cosine`;
 * `minRatio`: the factor at both ends, default 0.
 * @throws ArgumentError as {@link linearSchedule}, or if warm-up and decay are longer than the run.
 */
export function warmupStableDecaySchedule({
  decaySteps,
  warmupShape = 'linear',
  decayShape = 'cosine',
  minRatio = 0,
  ...options
}: WarmupOptions & {
  decaySteps: number
  warmupShape?: DecayShape
  decayShape?: DecayShape
  minRatio?: number
}): Schedule {
  const caller = 'warmupStableDecaySchedule'
  checkOneOf(caller, { warmupShape, decayShape }, Object.keys(fall))
  const { warmup, total } = resolveWarmup(caller, options)
  checkCount(caller, { decaySteps })
  checkNumber(caller, { decaySteps }, { least: 0, most: total - warmup })
  checkNumber(caller, { minRatio }, { least: 0, most: 1 })
  const lift = (factor: number) => factor * (1 - minRatio) + minRatio
  return (step) => {
    if (step < warmup) return lift(fall[warmupShape](1 - step / warmup))
    if (step < total - decaySteps) return 1
    return step < total ? lift(fall[decayShape]((step - total + decaySteps) / decaySteps)) : minRatio
  }
}

/** A cosine between 1 and 0, `cycles` waves long. */
const wave = (progress: number, cycles: number) =>
  Math.max(0, 0.5 * (1 + Math.cos(Math.PI * 2 * cycles * progress)))

/** Rises linearly from 0 over the warm-up, then follows a function of what part of the rest is done. */
function afterWarmup(
  caller: string,
  options: WarmupOptions,
  factor: (progress: number, step: number) => number,
): Schedule {
  const { warmup, total } = resolveWarmup(caller, options)
  const progressOf = (step: number) => (step - warmup) / Math.max(1, total - warmup)
  return (step) => (step < warmup ? step / warmup : factor(progressOf(step), step))
}

/** The whole of a run may be passed to any of these, and nothing else that is not asked for. */
function checkBesideRun(caller: string, others: object): void {
  checkNoOthers(caller, others, ['learningRate', 'stepsPerEpoch', 'totalSteps'])
}

function resolveWarmup(caller: string, options: WarmupOptions) {
  const { warmupSteps, warmupRatio, totalSteps, ...others } = options
  checkBesideRun(caller, others)
  checkCount(caller, { totalSteps })
  if (warmupRatio === undefined) {
    const { warmupSteps: warmup = 0 } = options
    checkCount(caller, { warmupSteps: warmup })
    return { warmup, total: totalSteps }
  }
  if (warmupSteps !== undefined) {
    throw new ArgumentError({
      function: caller,
      argument: 'warmupRatio',
      expected: 'left out when warmupSteps is given',
      received: String(warmupRatio),
      remedy: 'Give the warm-up either as a number of steps or as a ratio.',
    })
  }
  if (!(typeof warmupRatio === 'number' && warmupRatio >= 0 && warmupRatio <= 1)) {
    throw new ArgumentError({
      function: caller,
      argument: 'warmupRatio',
      expected: 'between 0 and 1',
      received: String(warmupRatio),
      remedy: 'Pass a fraction of totalSteps, for instance 0.1, or use warmupSteps.',
    })
  }
  return { warmup: Math.ceil(totalSteps * warmupRatio), total: totalSteps }
}
