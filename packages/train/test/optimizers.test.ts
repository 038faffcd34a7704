import type { ParameterStore } from '@tfx/backend'
import { linear, type StepFunction } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { loadFixture } from '@tfx/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  adafactor,
  adagrad,
  adam,
  adamW,
  combineOptimizers,
  isHiddenMatrix,
  lamb,
  lion,
  muon,
  nAdam,
  type Optimizer,
  rAdam,
  rmsProp,
  scheduleFreeAdamW,
  sgd,
} from '../src/index'
import { engines, storeKinds } from './stores'

type Values = Record<string, number[]>

interface Fixture {
  start: Record<string, { shape: number[]; values: number[] }>
  x: number[]
  y: number[]
  cases: {
    optimizer: keyof typeof makers
    options: Record<string, never>
    learningRate: number
    values: Record<string, Values>
    evaluation?: Values
  }[]
}

interface ExtremesFixture {
  learningRate: number
  cases: {
    optimizer: keyof typeof makers
    options: Record<string, never>
    shape: number[]
    start: number[]
    gradients: number[][]
    values: number[][]
  }[]
}

const makers = {
  sgd,
  adam,
  adamW,
  rAdam,
  nAdam,
  rmsProp,
  adagrad,
  lion,
  lamb,
  adafactor,
  scheduleFreeAdamW,
  muon: (options: Parameters<typeof muon>[0]) =>
    combineOptimizers([{ optimizer: muon(options), matches: isHiddenMatrix }, { optimizer: adamW() }]),
}

const { start, x, y, cases } = loadFixture<Fixture>('train/optimizers')
const shapes = Object.fromEntries(Object.entries(start).map(([name, { shape }]) => [name, shape]))
const names = Object.keys(shapes)

const network: StepFunction = ({ inputs, parameters: p }) => {
  const layer = (input: tf.Tensor, name: string) =>
    linear(input, p[`${name}.weight`] as tf.Tensor, p[`${name}.bias`])
  // (16, 3) → (16, 5) → (16, 2)
  const output = layer(tf.tanh(layer(inputs.x as tf.Tensor, 'hidden')), 'output')
  return { loss: tf.mean(tf.square(tf.sub(output, inputs.y as tf.Tensor))) }
}
const inputs = {
  x: { dtype: 'float32' as const, shape: [16, 3], data: Float32Array.from(x) },
  y: { dtype: 'float32' as const, shape: [16, 2], data: Float32Array.from(y) },
}

async function expectClose(store: ParameterStore, expected: Values | undefined) {
  const largest = Math.max(
    ...Object.values(expected ?? {})
      .flat()
      .map(Math.abs),
  )
  for (const name of names) {
    const values = expected?.[name] ?? []
    // Relative to the largest weight: the reference is float64, and each step rounds weights to float32.
    expect(await store.read(name)).toBeAllClose(values, { absolute: 1e-6 * largest, relative: 1e-7 })
  }
}

describe.each(engines)('optimizers on the %s engine', (_, engine) => {
  it.each(cases)('$optimizer $options follows the reference for 50 steps of a network', async (reference) => {
    const optimizer = (makers[reference.optimizer] as (options: object) => Optimizer)(reference.options)
    const store = engine.createStore(shapes, ['gradient', ...optimizer.slots])
    for (const name of names) store.write(name, Float32Array.from(start[name]!.values))
    const program = await engine.compile(network, {
      inputs: { x: { shape: [16, 3] }, y: { shape: [16, 2] } },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: names },
    })
    for (let step = 1; step <= 50; step++) {
      await program.run(inputs)
      const learningRate = reference.learningRate * (1 - (step - 1) / 100)
      const { weightDecay } = optimizer
      optimizer.update({ store, names, learningRate, weightDecay, step, gradientScale: 1 })
      const expected = reference.values[step]
      if (expected) await expectClose(store, expected)
    }
    if (reference.evaluation) {
      optimizer.evaluationWeights!.enter(store, names)
      await expectClose(store, reference.evaluation)
      optimizer.evaluationWeights!.leave(store, names)
      await expectClose(store, reference.values[50])
    }
    await program.dispose()
    store.dispose()
  })
})

const variants: [string, () => Optimizer][] = [
  ...cases.map(({ optimizer, options }): [string, () => Optimizer] => [
    `${optimizer} ${JSON.stringify(options)}`,
    () => (makers[optimizer] as (options: object) => Optimizer)(options),
  ]),
  ['adafactor with relative steps', () => adafactor({ relativeStep: true, scaleParameter: true })],
]

describe.each(variants)('%s', (_, make) => {
  it('gives the same in memory and on tensors, for any shape and gradient', async () => {
    const element = fc.float({ min: -100, max: 100, noNaN: true })
    const shape = fc.oneof(
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 19 })),
      fc.tuple(fc.integer({ min: 1, max: 40 })),
      fc.tuple(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
      ),
    )
    const check = async (shape: number[], seed: number[], gradientScale: number) => {
      const size = shape.reduce((product, dimension) => product * dimension, 1)
      const values = Float32Array.from({ length: size }, (_, i) => seed[i % seed.length]! * Math.cos(i))
      const results = []
      for (const [, createStore] of storeKinds) {
        const optimizer = make()
        const store = createStore({ w: shape }, ['gradient', ...optimizer.slots])
        store.write('w', values)
        const settings = { learningRate: 0.01, weightDecay: 0.1, gradientScale }
        for (let step = 1; step <= 3; step++) {
          store.write(
            'w',
            values.map((value, i) => value * Math.sin(3 * i + step)),
            'gradient',
          )
          optimizer.update({ store, names: ['w'], step, ...settings })
        }
        results.push(await store.read('w'))
        store.dispose()
      }
      const largest = Math.max(...results[1]!.map(Math.abs))
      // Each iteration of Muon multiplies the rounding of small singular values by 3.4.
      const rounding = make().name.startsWith('muon') ? 1e-5 : 1e-7
      expect(results[0]).toBeAllClose(results[1]!, { absolute: 4e-6 * largest + rounding, relative: 2e-6 })
    }
    const seeds = fc.array(element, { minLength: 1, maxLength: 7 })
    await fc.assert(fc.asyncProperty(shape, seeds, fc.constantFrom(1, 0.125), check), { numRuns: 40 })
  })

  it.each(storeKinds)('keeps the number of tensors constant on a %s store', (_, createStore) => {
    const optimizer = make()
    const store = createStore(shapes, ['gradient', ...optimizer.slots])
    const before = tf.memory().numTensors
    const settings = { learningRate: 0.1, weightDecay: 0.1, gradientScale: 1 }
    for (let step = 1; step <= 3; step++) optimizer.update({ store, names, step, ...settings })
    optimizer.evaluationWeights?.enter(store, names)
    optimizer.evaluationWeights?.leave(store, names)
    expect(tf.memory().numTensors).toBe(before)
    store.dispose()
  })
})

describe.each(storeKinds)('where float32 is in danger, on a %s store,', (_, createStore) => {
  const { learningRate, cases } = loadFixture<ExtremesFixture>('train/extremes')
  it.each(cases)('$optimizer $options is that of the reference', async (reference) => {
    const { optimizer: name, options, shape, start, gradients, values } = reference
    const optimizer = name === 'muon' ? muon(options) : makers[name](options)
    const { weightDecay } = optimizer
    const store = createStore({ w: shape }, ['gradient', ...optimizer.slots])
    store.write('w', Float32Array.from(start))
    for (const [index, gradient] of gradients.entries()) {
      store.write('w', Float32Array.from(gradient), 'gradient')
      optimizer.update({ store, names: ['w'], step: index + 1, learningRate, weightDecay, gradientScale: 1 })
      expect(await store.read('w')).toBeAllClose(values[index]!, { absolute: 2e-6, relative: 1e-6 })
    }
    store.dispose()
  })

  it('rmsProp centered stays finite where the variance is rounding alone', async () => {
    const optimizer = rmsProp({ centered: true, alpha: 0 })
    const store = createStore({ w: [64] }, ['gradient', ...optimizer.slots])
    const settings = { learningRate: 1e-9, weightDecay: 0, gradientScale: 1 }
    for (let step = 1; step <= 4; step++) {
      const gradient = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i + 1) * 1000 ** (step % 2))
      store.write('w', gradient, 'gradient')
      optimizer.update({ store, names: ['w'], step, ...settings })
    }
    expect((await store.read('w')).every(Number.isFinite)).toBe(true)
    store.dispose()
  })
})

describe('what optimizers keep', () => {
  const stateOf = (optimizer: Optimizer) => {
    const store = storeKinds[0]![1]({ 'layer.weight': [100, 50], 'layer.bias': [100] }, optimizer.slots)
    if (store.kind !== 'memory') throw new Error('not in memory')
    const { lengths } = store.block('layer.weight')
    return Object.fromEntries(store.slots.slice(1).map((slot) => [slot, lengths[slot]]))
  }
  it('is two numbers for each weight with AdamW, one with Lion, next to none with Adafactor and SGD', () => {
    expect(stateOf(adamW())).toEqual({ expAvg: 5000, expAvgSq: 5000 })
    expect(stateOf(lion())).toEqual({ expAvg: 5000 })
    expect(stateOf(adafactor())).toEqual({ expAvgSqRow: 100, expAvgSqColumn: 50 })
    expect(stateOf(sgd())).toEqual({})
  })
  it('is only that of its own optimizer where several are combined', () => {
    const shares = [{ optimizer: muon(), matches: isHiddenMatrix }, { optimizer: adamW() }]
    expect(stateOf(combineOptimizers(shares))).toEqual({ momentumBuffer: 5000, expAvg: 0, expAvgSq: 0 })
  })
})

describe('impossible settings are refused', () => {
  it.each<[() => unknown, string]>([
    [
      () => sgd({ nesterov: true }),
      "sgd: 'nesterov' must be left out unless there is momentum and no dampening",
    ],
    [() => sgd({ momentum: -1 }), "sgd: 'momentum' must be a finite number of at least 0, but got -1"],
    [() => adam({ betas: [0.9, 1] }), "adam: 'betas' must be two numbers in [0, 1), but got 0.9, 1"],
    [() => lion({ betas: [1, 0.9] }), "lion: 'betas' must be two numbers in [0, 1), but got 1, 0.9"],
    [() => rmsProp({ alpha: 1 }), "rmsProp: 'alpha' must be a number in [0, 1), but got 1"],
    [
      () => adafactor({ clipThreshold: Number.NaN }),
      "adafactor: 'clipThreshold' must be a finite number of at least 0, but got NaN",
    ],
    [() => combineOptimizers([]), "combineOptimizers: 'shares' must be one or more optimizers, but got none"],
    [
      () => combineOptimizers([{ optimizer: scheduleFreeAdamW() }]),
      "must be optimizers that train the weights they evaluate, but got 'scheduleFreeAdamW'",
    ],
    [
      () => {
        const store = storeKinds[0]![1]({ b: [3] }, ['gradient', 'momentumBuffer'])
        muon().update({ store, names: ['b'], step: 1, learningRate: 1, weightDecay: 0, gradientScale: 1 })
      },
      "muon.update: 'names' must be the names of matrices, but got 'b' of shape [3]",
    ],
  ])('%#', (make, message) => {
    expect(make).toThrow(message)
  })
})
