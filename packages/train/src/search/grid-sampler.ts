import { createRandom } from '@tfx/common'
import { checkCount } from '../check-numbers'
import type { Sampler } from './sampler'
import { type Choice, type Dimension, evenBounds, fromEven } from './space'

/**
 * Tries every combination once, in a random order that the seed decides.
 *
 * Choices and integers are taken one by one; what is continuous, or an integer on a logarithmic scale, at `points` places
 * that are evenly spaced on its scale, the bounds among them.
 *
 * @param options `points`: at least 2; default 5.
 * @throws ArgumentError on fewer points.
 *
 * @example
 * ```ts
 * const space = { learningRate: logUniform(1e-5, 1e-3), batchSize: choice([8, 16]) }
 * await search({ space, objective, sampler: gridSampler({ points: 3 }) }) // 6 trials
 * ```
 */
export function gridSampler({ points = 5 }: { points?: number } = {}): Sampler {
  checkCount('gridSampler', { points }, 2)
  return {
    name: 'grid',
    settings: { points },
    isFinite: true,
    suggest({ space, trials, seed }) {
      const axes = Object.entries(space).map(([name, dimension]) => ({
        name,
        values: valuesOf(dimension, points),
      }))
      const size = axes.reduce((product, { values }) => product * values.length, 1)
      if (trials.length >= size) return undefined
      const order = createRandom(seed).shuffle(Array.from({ length: size }, (_, index) => index))
      let place = order[trials.length]!
      const parameters: Record<string, Choice> = {}
      for (const { name, values } of axes) {
        parameters[name] = values[place % values.length]!
        place = Math.floor(place / values.length)
      }
      return parameters
    },
  }
}

function valuesOf(dimension: Dimension, points: number): readonly Choice[] {
  if (dimension.kind === 'choice') return dimension.choices
  const { low, high, log, step } = dimension
  if (step > 0 && !log) {
    return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, index) => low + index * step)
  }
  const bounds = evenBounds({ ...dimension, step: 0 })
  const place = (index: number) => bounds.low + (index / (points - 1)) * (bounds.high - bounds.low)
  const values = Array.from({ length: points }, (_, index) => fromEven(place(index), dimension))
  // Neighbours may round to the same integer.
  return [...new Set(values)]
}
