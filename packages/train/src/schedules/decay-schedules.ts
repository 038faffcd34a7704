import { checkCount, checkNumber } from '../check-numbers'
import { checkFunctions, checkNoOthers } from '../check-options'
import type { Schedule } from './schedule'

/**
 * Falls by `gamma` after every `stepSize` steps: `torch.optim.lr_scheduler.StepLR`.
 *
 * @param options `gamma`: default 0.1.
 * @throws ArgumentError if `stepSize` is no positive integer or `gamma` negative.
 *
 * @example
 * ```ts
 * const schedule = stepSchedule({ stepSize: 30 })
 * schedule(29) // 1
 * schedule(30) // 0.1
 * ```
 */
export function stepSchedule({
  stepSize,
  gamma = 0.1,
  ...others
}: {
  stepSize: number
  gamma?: number
}): Schedule {
  checkNoOthers('stepSchedule', others)
  checkNumber('stepSchedule', { gamma }, { least: 0 })
  checkCount('stepSchedule', { stepSize }, 1)
  return (step) => gamma ** Math.floor(step / stepSize)
}

/**
 * Falls by `gamma` at each of some steps: `MultiStepLR`.
 *
 * @param options `gamma`: default 0.1.
 * @throws ArgumentError if a milestone is negative or no integer, or `gamma` negative.
 */
export function multiStepSchedule({
  milestones,
  gamma = 0.1,
  ...others
}: {
  milestones: readonly number[]
  gamma?: number
}): Schedule {
  checkNoOthers('multiStepSchedule', others)
  checkNumber('multiStepSchedule', { gamma }, { least: 0 })
  if (!Array.isArray(milestones)) checkCount('multiStepSchedule', { milestones })
  for (const milestone of milestones) checkCount('multiStepSchedule', { milestones: milestone })
  return (step) => gamma ** milestones.filter((milestone) => milestone <= step).length
}

/**
 * Falls by `gamma` at every step: `ExponentialLR`.
 *
 * @throws ArgumentError if `gamma` is negative.
 */
export function exponentialSchedule({ gamma, ...others }: { gamma: number }): Schedule {
  checkNoOthers('exponentialSchedule', others)
  checkNumber('exponentialSchedule', { gamma }, { least: 0 })
  return (step) => gamma ** step
}

/**
 * A factor for the first steps, then 1: `ConstantLR`.
 *
 * @param options `factor`: default 1/3; `steps`: default 5.
 * @throws ArgumentError if `factor` is outside [0, 1] or `steps` no count.
 */
export function constantFactorSchedule({
  factor = 1 / 3,
  steps = 5,
  ...others
}: { factor?: number; steps?: number } = {}): Schedule {
  checkNoOthers('constantFactorSchedule', others)
  checkNumber('constantFactorSchedule', { factor }, { least: 0, most: 1 })
  checkCount('constantFactorSchedule', { steps })
  return (step) => (step < steps ? factor : 1)
}

/**
 * From one factor to another on a line, then stays: `LinearLR`.
 *
 * @param options `startFactor`: default 1/3; `endFactor`: default 1; `steps`: default 5.
 * @throws ArgumentError if a factor is outside [0, 1] or `steps` no positive integer.
 */
export function linearFactorSchedule({
  startFactor = 1 / 3,
  endFactor = 1,
  steps = 5,
  ...others
}: {
  startFactor?: number
  endFactor?: number
  steps?: number
} = {}): Schedule {
  checkNoOthers('linearFactorSchedule', others)
  checkNumber('linearFactorSchedule', { startFactor, endFactor }, { least: 0, most: 1 })
  checkCount('linearFactorSchedule', { steps }, 1)
  return (step) => startFactor + ((endFactor - startFactor) * Math.min(step, steps)) / steps
}

/**
 * Falls to 0 as a power of the steps that remain, then stays: `PolynomialLR`.
 *
 * @param options `steps`: default 5; `power`: default 1.
 * @throws ArgumentError if `steps` is no positive integer or `power` negative.
 */
export function polynomialDecaySchedule({
  steps = 5,
  power = 1,
  ...others
}: {
  steps?: number
  power?: number
} = {}): Schedule {
  checkNoOthers('polynomialDecaySchedule', others)
  checkCount('polynomialDecaySchedule', { steps }, 1)
  checkNumber('polynomialDecaySchedule', { power }, { least: 0 })
  return (step) => (1 - Math.min(step, steps) / steps) ** power
}

/**
 * Any function of the step: `LambdaLR`. A {@link Schedule} is one already; this says so by name, and refuses factors
 * that are not numbers.
 *
 * @throws ArgumentError at the step whose factor is not finite.
 */
export function lambdaSchedule(factor: (step: number) => number): Schedule {
  checkFunctions('lambdaSchedule', { factor })
  return (step) => {
    const value = factor(step)
    checkNumber('lambdaSchedule', { factor: value })
    return value
  }
}

/** The product of the factors of all steps so far, the first excepted: `MultiplicativeLR`. */
export function multiplicativeSchedule(factor: (step: number) => number): Schedule {
  checkFunctions('multiplicativeSchedule', { factor })
  const products = [1]
  return (step) => {
    while (products.length <= step) products.push(products.at(-1)! * factor(products.length))
    return products[step]!
  }
}
