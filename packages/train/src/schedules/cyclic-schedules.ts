import { ArgumentError } from '@tfx/common'
import { checkCount, checkNumber } from '../check-numbers'
import { checkFlags, checkFunctions, checkNoOthers, checkOneOf } from '../check-options'
import type { Schedule } from './schedule'

/** From one value to another on half a cosine. */
const cosineBetween = (from: number, to: number, progress: number) =>
  to + ((from - to) / 2) * (1 + Math.cos(Math.PI * progress))

const lineBetween = (from: number, to: number, progress: number) => from + (to - from) * progress

/**
 * A cosine down over `steps`, then up again, and so on: `CosineAnnealingLR`.
 *
 * @param options `steps`: torch's `T_max`, from the top to the bottom; `minRatio`: the least factor (`eta_min` over the
 * base rate), default 0.
 * @throws ArgumentError if `steps` is no positive integer or `minRatio` outside [0, 1].
 */
export function cosineAnnealingSchedule({
  steps,
  minRatio = 0,
  ...others
}: {
  steps: number
  minRatio?: number
}): Schedule {
  checkNoOthers('cosineAnnealingSchedule', others)
  checkCount('cosineAnnealingSchedule', { steps }, 1)
  checkNumber('cosineAnnealingSchedule', { minRatio }, { least: 0, most: 1 })
  return (step) => cosineBetween(1, minRatio, step / steps)
}

/**
 * A cosine down that starts again at the top, each time after `growth` times as many steps:
 * `CosineAnnealingWarmRestarts` (Loshchilov and Hutter, SGDR, 2017).
 *
 * @param options `steps`: of the first fall, `T_0`; `growth`: `T_mult`, default 1; `minRatio`: default 0.
 * @throws ArgumentError if `steps` or `growth` is no positive integer, or `minRatio` outside [0, 1].
 */
export function cosineWarmRestartsSchedule({
  steps,
  growth = 1,
  minRatio = 0,
  ...others
}: {
  steps: number
  growth?: number
  minRatio?: number
}): Schedule {
  checkNoOthers('cosineWarmRestartsSchedule', others)
  checkCount('cosineWarmRestartsSchedule', { steps, growth }, 1)
  checkNumber('cosineWarmRestartsSchedule', { minRatio }, { least: 0, most: 1 })
  return (step) => {
    let [within, length] = growth === 1 ? [step % steps, steps] : [step, steps]
    while (within >= length) {
      within -= length
      length *= growth
    }
    return cosineBetween(1, minRatio, within / length)
  }
}

/** Options of {@link cyclicSchedule}. */
export interface CyclicOptions {
  /** The lowest factor, `base_lr / max_lr`: the base learning rate is the highest of a cycle. */
  minRatio: number
  /** Steps from the bottom to the top. Default 2000. */
  stepsUp?: number
  /** Steps back. Default `stepsUp`. */
  stepsDown?: number
  /**
   * `triangular`: all cycles alike; `triangular2`: each half as high as the last; `exponentialRange`: lower by `gamma` at
   * each step. Default `triangular`.
   */
  mode?: 'triangular' | 'triangular2' | 'exponentialRange'
  /** Default 1. */
  gamma?: number
}

/**
 * Up and down between two rates: `CyclicLR` (Smith, Cyclical Learning Rates, 2017).
 *
 * @throws ArgumentError if a count is no positive integer, `minRatio` outside [0, 1], `gamma` negative or `mode` none of the
 * three.
 */
export function cyclicSchedule({
  minRatio,
  stepsUp = 2000,
  stepsDown = stepsUp,
  mode = 'triangular',
  gamma = 1,
  ...others
}: CyclicOptions): Schedule {
  checkNoOthers('cyclicSchedule', others)
  checkCount('cyclicSchedule', { stepsUp, stepsDown }, 1)
  checkNumber('cyclicSchedule', { minRatio }, { least: 0, most: 1 })
  checkNumber('cyclicSchedule', { gamma }, { least: 0 })
  const length = stepsUp + stepsDown
  const heights: Record<typeof mode, (step: number) => number> = {
    triangular: () => 1,
    triangular2: (step) => 0.5 ** Math.floor(step / length),
    exponentialRange: (step) => gamma ** step,
  }
  checkOneOf('cyclicSchedule', { mode }, Object.keys(heights))
  return (step) => {
    const within = step % length
    const height = within <= stepsUp ? within / stepsUp : (length - within) / stepsDown
    return minRatio + (1 - minRatio) * height * heights[mode](step)
  }
}

/** Options of {@link oneCycleSchedule}. */
export interface OneCycleOptions {
  totalSteps: number
  /** The part of the run that rises. Default 0.3; fastai's `fit_one_cycle` has 0.25. */
  riseRatio?: number
  /** The top over the start: torch's `div_factor`, fastai's `div`. Default 25. */
  startDivisor?: number
  /** The start over the end: torch's `final_div_factor`. Default 1e4; fastai counts from the top: pass `1e5 / 25`. */
  endDivisor?: number
  /** How it rises and falls. Default `cosine`. */
  shape?: 'cosine' | 'linear'
  /** Falls to the start as it rose, then to the end. Default false: falls to the end at once. */
  threePhase?: boolean
}

/**
 * Up to the base learning rate and down below where it started, in one run: `OneCycleLR` (Smith and Topin,
 * Super-Convergence, 2018). After the last step it stays.
 *
 * @throws ArgumentError if `totalSteps` is no positive integer, a ratio is outside [0, 1] or a divisor below 1.
 */
export function oneCycleSchedule({
  totalSteps,
  riseRatio = 0.3,
  startDivisor = 25,
  endDivisor = 1e4,
  shape = 'cosine',
  threePhase = false,
  ...others
}: OneCycleOptions): Schedule {
  checkNoOthers('oneCycleSchedule', others)
  checkFlags('oneCycleSchedule', { threePhase })
  checkOneOf('oneCycleSchedule', { shape }, ['cosine', 'linear'])
  checkCount('oneCycleSchedule', { totalSteps }, 1)
  checkNumber('oneCycleSchedule', { riseRatio }, { least: 0, most: threePhase ? 0.5 : 1 })
  checkNumber('oneCycleSchedule', { startDivisor, endDivisor }, { least: 1 })
  const start = 1 / startDivisor
  const end = start / endDivisor
  const top = riseRatio * totalSteps - 1
  const last = totalSteps - 1
  const phases = threePhase
    ? [
        { until: top, from: start, to: 1 },
        { until: 2 * top, from: 1, to: start },
        { until: last, from: start, to: end },
      ]
    : [
        { until: top, from: start, to: 1 },
        { until: last, from: 1, to: end },
      ]
  const between = shape === 'cosine' ? cosineBetween : lineBetween
  return (step) => {
    const now = Math.min(step, last)
    const index = phases.findIndex(({ until }) => now <= until)
    const { until, from, to } = phases[index]!
    const since = index === 0 ? 0 : phases[index - 1]!.until
    return until === since ? to : between(from, to, (now - since) / (until - since))
  }
}

/**
 * One schedule after another, each from its own step 0: `SequentialLR`.
 *
 * @param milestones The steps at which the second and later ones begin.
 * @throws ArgumentError unless there is one milestone less than schedules, and they rise.
 *
 * @example
 * ```ts
 * const warmup = linearFactorSchedule({ startFactor: 0, steps: 100 })
 * const schedule = sequentialSchedule([warmup, cosineAnnealingSchedule({ steps: 900 })], [100])
 * ```
 */
export function sequentialSchedule(schedules: readonly Schedule[], milestones: readonly number[]): Schedule {
  for (const schedule of schedules) checkFunctions('sequentialSchedule', { schedules: schedule })
  for (const milestone of milestones) checkCount('sequentialSchedule', { milestones: milestone }, 1)
  const rises = milestones.every((milestone, index) => index === 0 || milestone > milestones[index - 1]!)
  if (schedules.length !== milestones.length + 1 || !rises) {
    throw new ArgumentError({
      function: 'sequentialSchedule',
      argument: 'milestones',
      expected: `${Math.max(0, schedules.length - 1)} rising steps for ${schedules.length} schedules`,
      received: `[${milestones.join(', ')}]`,
      remedy: 'Say for each schedule but the first at which step it begins.',
    })
  }
  return (step) => {
    const index = milestones.filter((milestone) => milestone <= step).length
    return schedules[index]!(step - (milestones[index - 1] ?? 0))
  }
}

/** The product of several schedules: `ChainedScheduler`, for those that multiply. */
export function chainedSchedule(schedules: readonly Schedule[]): Schedule {
  for (const schedule of schedules) checkFunctions('chainedSchedule', { schedules: schedule })
  return (step) => schedules.reduce((product, schedule) => product * schedule(step), 1)
}

/**
 * A schedule that counts epochs instead of steps: its factor changes where an epoch begins.
 *
 * @throws ArgumentError if `stepsPerEpoch` is no positive integer.
 */
export function epochSchedule(schedule: Schedule, stepsPerEpoch: number): Schedule {
  checkFunctions('epochSchedule', { schedule })
  checkCount('epochSchedule', { stepsPerEpoch }, 1)
  return (step) => schedule(Math.floor(step / stepsPerEpoch))
}
