import { ArgumentError } from '@tfx/common'

/**
 * The factor on the base learning rate of a step.
 *
 * @param step The number of optimizer steps already taken: 0 for the first.
 */
export type Schedule = (step: number) => number

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
export function constantWithWarmupSchedule({ warmupSteps }: { warmupSteps: number }): Schedule {
  checkCount('constantWithWarmupSchedule', 'warmupSteps', warmupSteps)
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
  const { warmup, total } = resolveWarmup('cosineSchedule', options)
  return (step) => {
    if (step < warmup) return step / warmup
    const progress = (step - warmup) / Math.max(1, total - warmup)
    return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * 2 * cycles * progress)))
  }
}

function resolveWarmup(caller: string, { warmupSteps, warmupRatio, totalSteps }: WarmupOptions) {
  checkCount(caller, 'totalSteps', totalSteps)
  if (warmupRatio === undefined) {
    checkCount(caller, 'warmupSteps', warmupSteps ?? 0)
    return { warmup: warmupSteps ?? 0, total: totalSteps }
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
  if (!(warmupRatio >= 0 && warmupRatio <= 1)) {
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

function checkCount(caller: string, argument: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return
  throw new ArgumentError({
    function: caller,
    argument,
    expected: 'an integer of at least 0',
    received: String(value),
    remedy: 'Count optimizer steps, not examples or epochs.',
  })
}
