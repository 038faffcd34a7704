import type { Random } from '@tfx/common'
import { logGaussianMass } from './gaussian-mass'
import {
  type Choice,
  type ChoiceDimension,
  evenBounds,
  fromEven,
  type NumberDimension,
  type SearchParameters,
  type SearchSpace,
} from './space'

/** The kernels of one dimension: one for each observation, and the prior's as the last. */
type Kernels = NumberKernels | ChoiceKernels

/** Normal densities on the dimension's even scale, cut at its bounds. */
interface NumberKernels {
  readonly kind: 'number'
  readonly dimension: NumberDimension
  readonly means: readonly number[]
  readonly deviations: readonly number[]
  /** The logarithm of what each is divided by, so that it is a density, or probabilities of steps, within the bounds. */
  readonly logDivisors: readonly number[]
}

interface ChoiceKernels {
  readonly kind: 'choice'
  readonly dimension: ChoiceDimension
  /** Of each kernel, the probability of each choice. */
  readonly probabilities: readonly (readonly number[])[]
}

/** A density over a space, estimated from points: a mixture of products of one-dimensional kernels. */
export interface ParzenEstimator {
  /** One for each kernel; their sum is 1. */
  readonly weights: readonly number[]
  readonly logWeights: readonly number[]
  readonly kernels: Readonly<Record<string, Kernels>>
}

const priorWeight = 1
/** So many of the latest observations count fully. */
const fullyWeighted = 25

/**
 * Estimates the density that observed points come from: the adaptive Parzen estimator of Bergstra et al. 2011, with the
 * settings that Optuna's TPESampler has by default (prior weight 1, `magic_clip`, no endpoints).
 *
 * @param observations Points of the space, the oldest first; none gives the prior.
 */
export function parzenEstimator(
  space: SearchSpace,
  observations: readonly SearchParameters[],
): ParzenEstimator {
  const kernels = Object.entries(space).map(([name, dimension]): [string, Kernels] => {
    const values = observations.map((point) => point[name]!)
    return [
      name,
      dimension.kind === 'choice'
        ? choiceKernels(dimension, values)
        : numberKernels(dimension, values as number[]),
    ]
  })
  const weights = kernelWeights(observations.length)
  return { weights, logWeights: weights.map(Math.log), kernels: Object.fromEntries(kernels) }
}

/** Draws a point. */
export function sampleEstimator({ weights, kernels }: ParzenEstimator, random: Random): SearchParameters {
  const index = draw(weights, random)
  const sample = (own: Kernels): Choice => {
    if (own.kind === 'choice') return own.dimension.choices[draw(own.probabilities[index]!, random)]!
    const { low, high } = evenBounds(own.dimension)
    // The mean lies within the bounds and they are at most one deviation apart: a third of the draws or more do too.
    for (;;) {
      const place = own.means[index]! + own.deviations[index]! * random.normal()
      if (place >= low && place <= high) return fromEven(place, own.dimension)
    }
  }
  return Object.fromEntries(Object.entries(kernels).map(([name, own]) => [name, sample(own)]))
}

/** The logarithm of the density at a point; of its probability, where a dimension has steps or choices. */
export function logDensity({ logWeights, kernels }: ParzenEstimator, point: SearchParameters): number {
  const logs = [...logWeights]
  for (const [name, own] of Object.entries(kernels)) {
    if (own.kind === 'choice') addChoice(logs, own, point[name]!)
    else addNumber(logs, own, point[name] as number)
  }
  const largest = logs.reduce((left, right) => Math.max(left, right))
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0))
}

/** Adds the logarithm of each kernel's probability of a choice. */
function addChoice(logs: number[], { dimension, probabilities }: ChoiceKernels, value: Choice): void {
  const choice = dimension.choices.indexOf(value)
  for (const [index, own] of probabilities.entries()) logs[index]! += Math.log(own[choice]!)
}

/** Adds the logarithm of each kernel's density at a number; of its probability, if there are steps. */
function addNumber(logs: number[], { dimension, ...kernels }: NumberKernels, value: number): void {
  const { means, deviations, logDivisors } = kernels
  const { log, step } = dimension
  const toEven = (x: number) => (log ? Math.log(x) : x)
  const [left, place, right] = [toEven(value - step / 2), toEven(value), toEven(value + step / 2)]
  for (let index = 0; index < logs.length; index++) {
    const [mean, deviation] = [means[index]!, deviations[index]!]
    const logKernel =
      step === 0
        ? -0.5 * ((place - mean) / deviation) ** 2
        : logGaussianMass((left - mean) / deviation, (right - mean) / deviation)
    logs[index]! += logKernel - logDivisors[index]!
  }
}

/** Older observations count less, as in Bergstra et al. 2013. */
function kernelWeights(count: number): number[] {
  const ramp = count - fullyWeighted
  const weight = (index: number) => {
    if (index >= ramp) return 1
    return ramp === 1 ? 1 / count : 1 / count + (index / (ramp - 1)) * (1 - 1 / count)
  }
  const weights = Array.from({ length: count }, (_, index) => weight(index))
  weights.push(priorWeight)
  const sum = weights.reduce((left, right) => left + right)
  return weights.map((weight) => weight / sum)
}

function choiceKernels(dimension: ChoiceDimension, values: readonly Choice[]): ChoiceKernels {
  const { choices } = dimension
  const smoothing = priorWeight / (values.length + 1)
  const total = 1 + choices.length * smoothing
  const probabilities = values.map((value) =>
    choices.map((choice) => (smoothing + (choice === value ? 1 : 0)) / total),
  )
  probabilities.push(choices.map(() => 1 / choices.length))
  return { kind: 'choice', dimension, probabilities }
}

function numberKernels(dimension: NumberDimension, values: readonly number[]): NumberKernels {
  const { low, high } = evenBounds(dimension)
  const range = high - low
  const places = values.map((value) => (dimension.log ? Math.log(value) : value))
  const least = range / Math.min(100, places.length + 2)
  const clip = (deviation: number) => Math.min(Math.max(deviation, least), range)
  const means = [...places, (low + high) / 2]
  const deviations = [...neighbourDistances(places, { low, high }).map(clip), range]
  const logDivisors = means.map((mean, index) => {
    const deviation = deviations[index]!
    const logMass = logGaussianMass((low - mean) / deviation, (high - mean) / deviation)
    return dimension.step > 0 ? logMass : logMass + Math.log(deviation * Math.sqrt(2 * Math.PI))
  })
  return { kind: 'number', dimension, means, deviations, logDivisors }
}

/** The distance of each place to the farther of its two neighbours; a bound is one only where there is no other. */
function neighbourDistances(
  places: readonly number[],
  { low, high }: { low: number; high: number },
): number[] {
  const order = places.map((_, index) => index).sort((left, right) => places[left]! - places[right]!)
  const sorted = order.map((index) => places[index]!)
  const distances: number[] = []
  for (const [rank, index] of order.entries()) {
    const place = sorted[rank]!
    const isLonely = sorted.length === 1
    const below = sorted[rank - 1] ?? (isLonely ? low : place)
    const above = sorted[rank + 1] ?? (isLonely ? high : place)
    distances[index] = Math.max(place - below, above - place)
  }
  return distances
}

/** An index, as likely as its share. */
function draw(shares: readonly number[], random: Random): number {
  let left = random.next()
  for (const [index, share] of shares.entries()) {
    left -= share
    if (left < 0) return index
  }
  // Shares may add up to a little less than 1.
  return shares.length - 1
}
