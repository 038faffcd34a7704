import { describe, expect, it } from 'vitest'
import { valley } from '../src/find-learning-rate'
import { findLearningRate, plotLearningRates } from '../src/index'
import { regression, regressionBatches } from './regression'
import { engines } from './stores'

describe('valley', () => {
  // By hand after fastai: a fall over places 2 to 11 has length 10, so the start is 1; 1 + trunc(10/3) + trunc(10/6).
  it('is half-way into the second third of the longest fall', () => {
    const losses = [5, 6, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 4, 9]
    expect(valley(losses)).toBe(5)
    expect(valley([1, 2, 3])).toBe(0)
  })
})

describe.each(engines)('findLearningRate on the %s engine', (_, engine) => {
  it('suggests a rate that learns, and leaves the weights alone', async () => {
    const { options, weights, store } = await regression(engine)
    const before = await weights()
    const finding = await findLearningRate({
      ...options,
      batches: (epoch) => regressionBatches(8, { seed: epoch }),
    })
    expect(await weights()).toEqual(before)
    expect(await store.read('hidden.weight', 'expAvg')).toEqual(new Float32Array(10))
    const { curve, suggestion } = finding
    expect(curve[0]!.learningRate).toBeCloseTo(1e-7, 12)
    expect(curve[50]!.learningRate / 1e-7).toBeCloseTo(1e8 ** 0.5, 0)
    expect(suggestion).toBeGreaterThan(1e-4)
    expect(suggestion).toBeLessThan(1)
    const svg = plotLearningRates(finding)
    expect(svg).toMatch(/^<svg .*<\/svg>$/s)
    expect(svg).not.toMatch(/NaN|Infinity/)
    expect(/<polyline points="([^"]*)"/.exec(svg)![1]!.split(' ')).toHaveLength(curve.length)
    store.dispose()
  })

  it('refuses what cannot be meant, and data that is empty', async () => {
    const { options } = await regression(engine)
    const find = (changes: object) =>
      findLearningRate({ ...options, batches: () => regressionBatches(8), ...changes })
    await expect(find({ start: 20 })).rejects.toThrow("findLearningRate: 'start' must be between")
    await expect(find({ steps: 3 })).rejects.toThrow("'steps' must be an integer of at least 20")
    await expect(find({ batches: () => [] })).rejects.toThrow("'batches' must be enough batches with targets")
  })
})
