import { ArgumentError } from '@tfx/common'
import { stepSchedule } from './decay-schedules'
import { epochSchedule } from './cyclic-schedules'
import type { Schedule } from './schedule'
import {
  constantSchedule,
  constantWithWarmupSchedule,
  cosineSchedule,
  cosineWithMinimumSchedule,
  cosineWithRestartsSchedule,
  type DecayShape,
  inverseSqrtSchedule,
  linearSchedule,
  polynomialSchedule,
  warmupStableDecaySchedule,
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

/** What schedules can be told beside the run, by their names in Hugging Face's `get_scheduler`; `step` is torch's StepLR, by epoch. */
interface SettingsOf {
  constant: object
  constant_with_warmup: object
  linear: object
  cosine: { readonly cycles?: number }
  cosine_with_restarts: { readonly cycles?: number }
  cosine_with_min_lr: { readonly minRatio: number; readonly cycles?: number }
  polynomial: { readonly endLearningRate?: number; readonly power?: number }
  inverse_sqrt: { readonly timescale?: number }
  warmup_stable_decay: {
    readonly decaySteps: number
    readonly warmupShape?: DecayShape
    readonly decayShape?: DecayShape
    readonly minRatio?: number
  }
  step: { readonly stepSize: number; readonly gamma?: number }
}

/** A name of Hugging Face's `get_scheduler`, or `step`. */
export type ScheduleName = keyof SettingsOf

/** A schedule by its name, with settings of its own: `{ name: 'cosine_with_min_lr', minRatio: 0.1 }`. */
export type NamedSchedule = {
  [Name in ScheduleName]: { readonly name: Name } & SettingsOf[Name]
}[ScheduleName]

type Makers = {
  readonly [Name in ScheduleName]: {
    readonly settings: readonly (keyof SettingsOf[Name])[]
    readonly make: (run: ScheduledRun, settings: SettingsOf[Name]) => Schedule
  }
}

const lengths = ({ totalSteps, warmupSteps }: ScheduledRun) => ({ totalSteps, warmupSteps })

const makers: Makers = {
  constant: { settings: [], make: () => constantSchedule() },
  constant_with_warmup: { settings: [], make: (run) => constantWithWarmupSchedule(run) },
  linear: { settings: [], make: (run) => linearSchedule(lengths(run)) },
  cosine: { settings: ['cycles'], make: (run, own) => cosineSchedule({ ...lengths(run), ...own }) },
  cosine_with_restarts: {
    settings: ['cycles'],
    make: (run, own) => cosineWithRestartsSchedule({ ...lengths(run), ...own }),
  },
  cosine_with_min_lr: {
    settings: ['minRatio', 'cycles'],
    make: (run, own) => cosineWithMinimumSchedule({ ...lengths(run), ...own }),
  },
  polynomial: {
    settings: ['endLearningRate', 'power'],
    make: (run, own) => polynomialSchedule({ ...run, ...own }),
  },
  inverse_sqrt: {
    settings: ['timescale'],
    make: ({ warmupSteps }, own) => inverseSqrtSchedule({ warmupSteps, ...own }),
  },
  warmup_stable_decay: {
    settings: ['decaySteps', 'warmupShape', 'decayShape', 'minRatio'],
    make: (run, own) => warmupStableDecaySchedule({ ...lengths(run), ...own }),
  },
  step: {
    settings: ['stepSize', 'gamma'],
    make: ({ stepsPerEpoch = 1 }, own) => epochSchedule(stepSchedule(own), stepsPerEpoch),
  },
}

/** All of them. */
export const scheduleNames = Object.keys(makers) as readonly ScheduleName[]

/**
 * The schedule that Hugging Face's `get_scheduler` makes under a name.
 *
 * @param named A name, or one with settings: `cosine_with_min_lr` needs a `minRatio`, `warmup_stable_decay` `decaySteps`, `step`
 *   a `stepSize` in epochs.
 * @throws ArgumentError on another name or setting, and as the schedules themselves.
 *
 * @example
 * ```ts
 * const run = { totalSteps: 1000, warmupSteps: 50, learningRate: 5e-5 }
 * const cosine = scheduleByName('cosine', run)
 * const higher = scheduleByName({ name: 'cosine_with_min_lr', minRatio: 0.1 }, run)
 * ```
 */
export function scheduleByName(named: ScheduleName | NamedSchedule, run: ScheduledRun): Schedule {
  // Spread, so that null is a wrong name too.
  const { name, ...own } = typeof named === 'string' ? { name: named } : { ...named }
  if (!Object.hasOwn(makers, name)) throw wrong('name', `one of ${scheduleNames.join(', ')}`, name)
  // Each name's settings are its own.
  const { settings, make } = makers[name] as {
    settings: readonly string[]
    make: (run: ScheduledRun, own: object) => Schedule
  }
  const unknown = Object.keys(own).find((setting) => !settings.includes(setting))
  if (unknown !== undefined)
    throw wrong(unknown, settings.length > 0 ? `one of ${settings.join(', ')}` : 'left out', unknown)
  return make(run, own)
}

const wrong = (argument: string, expected: string, received: unknown) =>
  new ArgumentError({
    function: 'scheduleByName',
    argument,
    expected,
    received: `'${String(received)}'`,
    remedy: 'Choose one of them, or pass a function of the run that returns any schedule of @tfx/train.',
  })
