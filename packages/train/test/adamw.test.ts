import type { ParameterStore } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { adamW, clipCoefficient, globalNorm, parameterGroups } from '../src/index'
import { storeKinds } from './stores'

interface AdamWFixture {
  shapes: Record<string, number[]>
  cases: {
    options: { betas: [number, number]; epsilon: number; weightDecay: number; maxGradientNorm: number }
    start: Record<string, number[]>
    steps: {
      learningRate: number
      gradients: Record<string, number[]>
      norm: number
      values: Record<string, number[]>
    }[]
    state: Record<string, { expAvg: number[]; expAvgSq: number[] }>
  }[]
}

const { shapes, cases } = loadFixture<AdamWFixture>('train/adamw')
const names = Object.keys(shapes)

function writeAll(store: ParameterStore, values: Record<string, number[]>, slot: string) {
  for (const name of names) store.write(name, Float32Array.from(values[name] ?? []), slot)
}

describe.each(storeKinds)('adamW on a %s store', (_, createStore) => {
  it.each(cases)('follows torch.optim.AdamW and clip_grad_norm_ with $options', async (reference) => {
    const { betas, epsilon, weightDecay, maxGradientNorm } = reference.options
    const optimizer = adamW({ betas, epsilon, weightDecay })
    const store = createStore(shapes, ['gradient', ...optimizer.slots])
    writeAll(store, reference.start, 'value')
    for (const [index, { learningRate, gradients, norm, values }] of reference.steps.entries()) {
      writeAll(store, gradients, 'gradient')
      const measured = await globalNorm(store, names)
      expect(Math.abs(measured / norm - 1)).toBeLessThan(1e-6)
      const gradientScale = clipCoefficient(measured, maxGradientNorm)
      for (const group of parameterGroups(names, { weightDecay: optimizer.weightDecay })) {
        optimizer.update({ store, ...group, learningRate, step: index + 1, gradientScale })
      }
      for (const name of names) {
        expect(await store.read(name)).toBeAllClose(values[name] ?? [], { absolute: 2e-7, relative: 1e-6 })
      }
    }
    for (const [name, state] of Object.entries(reference.state)) {
      expect(await store.read(name, 'expAvg')).toBeAllClose(state.expAvg, { absolute: 1e-6, relative: 1e-6 })
      expect(await store.read(name, 'expAvgSq')).toBeAllClose(state.expAvgSq, { absolute: 0, relative: 2e-6 })
    }
    store.dispose()
  })

  it('keeps the number of tensors constant', () => {
    const optimizer = adamW()
    const store = createStore(shapes, ['gradient', ...optimizer.slots])
    const before = tf.memory().numTensors
    const settings = { learningRate: 0.1, weightDecay: 0, gradientScale: 1 }
    for (let step = 1; step <= 3; step++) optimizer.update({ store, names, step, ...settings })
    expect(tf.memory().numTensors).toBe(before)
    store.dispose()
  })

  it('names the slots that a store lacks', () => {
    const store = createStore(shapes, ['gradient', 'expAvg'])
    const settings = { learningRate: 1, weightDecay: 0, step: 1, gradientScale: 1 }
    expect(() => adamW().update({ store, names, ...settings })).toThrow(
      "adamW.update: 'store' must be a store with the slots 'expAvgSq', but got one with 'value', 'gradient', " +
        "'expAvg'. Create it with the slots that the optimizer and the options need: " +
        'engine.createStore(shapes, fitSlots(options)).',
    )
  })
})

describe('adamW', () => {
  it('refuses impossible settings', () => {
    expect(() => adamW({ betas: [0.9, 1] })).toThrow(
      "adamW: 'betas' must be two numbers in [0, 1), but got 0.9, 1. Leave it out to get the usual value.",
    )
    expect(() => adamW({ epsilon: -1 })).toThrow(
      "'epsilon' must be a finite number of at least 0, but got -1",
    )
    expect(() => adamW({ weightDecay: Number.NaN })).toThrow(
      "'weightDecay' must be a finite number of at least 0, but got NaN",
    )
  })
})
