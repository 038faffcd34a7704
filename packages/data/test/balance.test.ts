import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { balancedClassWeights, balancedSampleWeights, encodeClassWeights, weightedSample } from '../src/index'

const reference = loadFixture<{
  classWeights: { labels: string[]; weights: Record<string, number> }[]
  draws: number
  samples: { weights: number[]; frequencies: number[] }[]
}>('data/balance')

describe('balancedClassWeights', () => {
  it.each(reference.classWeights)('are those of scikit-learn for $labels', ({ labels, weights }) => {
    const balanced = balancedClassWeights(labels)
    expect(Object.keys(balanced).sort()).toEqual(Object.keys(weights).sort())
    for (const [label, weight] of Object.entries(weights)) expect(balanced[label]).toBeCloseTo(weight, 14)
  })

  it('takes numbers for their names', () => {
    expect(balancedClassWeights([1, '1', 2])).toEqual({ 1: 0.75, 2: 1.5 })
  })
})

describe('encodeClassWeights', () => {
  it('puts weights in the order of the labels', () => {
    expect(encodeClassWeights({ bad: 2, good: 0 }, ['good', 'fair', 'bad'])).toEqual([0, 1, 2])
  })

  it('takes labels that are called like what every object has', () => {
    expect(encodeClassWeights({ fine: 3 }, ['constructor', 'fine', '__proto__'])).toEqual([1, 3, 1])
  })

  it.each([
    [{ badly: 2 }, "'classWeights['badly']' must be of a label that there is, but got 2."],
    [{ bad: -1 }, "'classWeights['bad']' must be a finite number of at least 0, but got -1."],
    [{ bad: NaN }, "'classWeights['bad']' must be a finite number of at least 0, but got NaN."],
  ])('refuses %o', (weights, message) => {
    const encode = () => encodeClassWeights(weights, ['good', 'bad'])
    expect(encode).toThrow(`encodeClassWeights: ${message} The labels are 'good', 'bad'.`)
  })
})

describe('weightedSample', () => {
  it.each(reference.samples)(
    'draws as often as WeightedRandomSampler by $weights',
    ({ weights, frequencies }) => {
      const draws = 40_000
      const drawn = weightedSample(weights, { count: draws })
      frequencies.forEach((expected, index) => {
        const share = drawn.filter((one) => one === index).length / draws
        const variance = expected * (1 - expected) * (1 / draws + 1 / reference.draws)
        expect(Math.abs(share - expected)).toBeLessThanOrEqual(4 * Math.sqrt(variance))
      })
    },
  )

  it('balances classes, the same for the same seed, anew each epoch', () => {
    const labels = Array.from({ length: 1000 }, (_, index) => (index % 10 === 0 ? 'rare' : 'common'))
    const weights = balancedSampleWeights(labels)
    const drawn = weightedSample(weights)
    expect(drawn).toHaveLength(1000)
    const rare = drawn.filter((index) => labels[index] === 'rare').length
    expect(Math.abs(rare - 500)).toBeLessThan(4 * Math.sqrt(250))
    expect(new Set(drawn).size).toBeLessThan(1000)
    expect(weightedSample(weights, { seed: 42, epoch: 0 })).toEqual(drawn)
    expect(weightedSample(weights, { epoch: 1 })).not.toEqual(drawn)
    expect(weightedSample(weights, { seed: 1 })).not.toEqual(drawn)
  })

  it('refuses weights by which nothing can be drawn', () => {
    expect(() => weightedSample([1, -1])).toThrow(
      "'weights[1]' must be a finite number of at least 0, but got -1.",
    )
    expect(() => weightedSample([0, 0])).toThrow(
      "'weights' must be above 0 for one example or more, but got 2 that",
    )
    expect(() => weightedSample([])).toThrow('but got 0 that add up to 0')
    expect(() => weightedSample([1], { count: 0.5 })).toThrow("'count' must be a whole number, but got 0.5.")
  })
})
