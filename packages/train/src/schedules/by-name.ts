import { ArgumentError } from '@tfx/common'
import type { Schedule } from './schedule'
import {
  constantSchedule,
  constantWithWarmupSchedule,
  cosineSchedule,
  cosineWithRestartsSchedule,
  inverseSqrtSchedule,
  linearSchedule,
  polynomialSchedule,
} from './warmup-schedules'

/** What a schedule is made for. */
export interface ScheduledRun {
  readonly totalSteps: number
  readonly warmupSteps: number
  /** The base rate, which some schedules' ends are relative to. */
  readonly learningRate: number
  /** Where known: for a schedule that counts epochs, {@link epochSchedule}. */
  readonly stepsPerEpoch?: number
}

const makers = {
  constant: () => constantSchedule(),
  constant_with_warmup: ({ warmupSteps }) => constantWithWarmupSchedule({ warmupSteps }),
  linear: ({ totalSteps, warmupSteps }) => linearSchedule({ totalSteps, warmupSteps }),
  cosine: ({ totalSteps, warmupSteps }) => cosineSchedule({ totalSteps, warmupSteps }),
  cosine_with_restarts: ({ totalSteps, warmupSteps }) =>
    cosineWithRestartsSchedule({ totalSteps, warmupSteps }),
  polynomial: (run) => polynomialSchedule(run),
  inverse_sqrt: ({ warmupSteps }) => inverseSqrtSchedule({ warmupSteps }),
} satisfies Record<string, (run: ScheduledRun) => Schedule>

/** Names of Hugging Face's `get_scheduler` that need nothing but a length, a warm-up and a rate. */
export type ScheduleName = keyof typeof makers

/** All of them. */
export const scheduleNames = Object.keys(makers) as readonly ScheduleName[]

/**
 * The schedule that Hugging Face's `get_scheduler` makes under a name.
 *
 * @throws ArgumentError on another name.
 *
 * @example
 * ```ts
 * const schedule = scheduleByName('cosine', { totalSteps: 1000, warmupSteps: 50, learningRate: 5e-5 })
 * ```
 */
export function scheduleByName(name: ScheduleName, run: ScheduledRun): Schedule {
  if (Object.hasOwn(makers, name)) return makers[name](run)
  throw new ArgumentError({
    function: 'scheduleByName',
    argument: 'name',
    expected: `one of ${scheduleNames.join(', ')}`,
    received: `'${String(name)}'`,
    remedy: 'Choose one of them, or pass a function of the run that returns any schedule of @tfx/train.',
  })
}
