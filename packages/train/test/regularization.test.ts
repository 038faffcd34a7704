import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  adamW,
  clipEach,
  fit,
  type FitOptions,
  parameterDepths,
  parameterGroups,
  reduceOnPlateau,
  scheduleFreeAdamW,
  sgd,
  type TrainingEvent,
  withGradualUnfreezing,
  withLayerwiseDecay,
} from '../src/index'
import { parameters, regression, regressionBatches } from './regression'
import { engines, storeKinds } from './stores'

interface ClippingFixture {
  shapes: Record<string, number[]>
  values: Record<string, number[]>
  gradients: Record<string, number[]>
  cases: { by: 'value' | 'parameter' | 'adaptive'; maximum: number; clipped: Record<string, number[]> }[]
}

describe.each(storeKinds)('clipping on a %s store', (_, createStore) => {
  const { shapes, values, gradients, cases } = loadFixture<ClippingFixture>('train/clipping')
  const names = Object.keys(shapes)

  async function clipped(by: 'value' | 'parameter' | 'adaptive', maximum: number) {
    const store = createStore(shapes, ['gradient'])
    for (const name of names) {
      store.write(name, Float32Array.from(values[name]!))
      store.write(name, Float32Array.from(gradients[name]!), 'gradient')
    }
    clipEach(store, names, { by, maximum })
    const results: Record<string, ArrayLike<number>> = {}
    for (const name of names) results[name] = (await store.read(name, 'gradient')).slice()
    store.dispose()
    return results
  }

  it.each(cases)(
    "by '$by' with $maximum is that of torch and timm",
    async ({ by, maximum, clipped: expected }) => {
      const results = await clipped(by, maximum)
      for (const name of names)
        expect(results[name]).toBeAllClose(expected[name]!, { absolute: 1e-9, relative: 1e-6 })
    },
  )
  it('leaves everything as it is at 0', async () => {
    expect((await clipped('value', 0)).matrix).toEqual(Float32Array.from(gradients.matrix!))
  })
})

describe('groups by layer', () => {
  const names = [
    'bert.embeddings.word_embeddings.weight',
    'bert.encoder.layer.0.attention.self.query.weight',
    'bert.encoder.layer.1.output.dense.bias',
    'bert.encoder.layer.1.output.dense.weight',
    'bert.pooler.dense.weight',
    'classifier.weight',
  ]
  it('knows how deep a parameter lies', () => {
    expect([...parameterDepths(names).values()]).toEqual([0, 1, 2, 2, 3, 3])
    const others = [
      'transformer.wte.weight',
      'transformer.h.0.ln_1.weight',
      'shared.weight',
      'encoder.block.1.layer.0.SelfAttention.q.weight',
      'decoder.block.0.layer.2.DenseReluDense.wi.weight',
      'albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight',
      'model.layers.4.mlp.up_proj.weight',
      'model.norm.weight',
      'lm_head.weight',
    ]
    expect([...parameterDepths(others).values()]).toEqual([0, 1, 0, 2, 1, 1, 5, 6, 6])
  })
  it('lowers the rate layer by layer', () => {
    const groups = withLayerwiseDecay(parameterGroups(names, { weightDecay: 0.1 }), { decay: 0.5 })
    const scales = Object.fromEntries(
      groups.flatMap((group) =>
        group.names.map((name) => [name, [group.learningRateScale, group.weightDecay]]),
      ),
    )
    expect(scales).toEqual({
      'classifier.weight': [1, 0.1],
      'bert.pooler.dense.weight': [1, 0.1],
      'bert.encoder.layer.1.output.dense.weight': [0.5, 0.1],
      'bert.encoder.layer.1.output.dense.bias': [0.5, 0],
      'bert.encoder.layer.0.attention.self.query.weight': [0.25, 0.1],
      'bert.embeddings.word_embeddings.weight': [0.125, 0.1],
    })
  })
  it('thaws from the head down', () => {
    const groups = withGradualUnfreezing(parameterGroups(names, { weightDecay: 0 }), { stepsPerLayer: 10 })
    const first = Object.fromEntries(
      groups.flatMap((group) => group.names.map((name) => [name, group.firstStep])),
    )
    expect(Object.values(first).sort((a, b) => a! - b!)).toEqual([1, 1, 11, 11, 21, 31])
    expect(first['bert.embeddings.word_embeddings.weight']).toBe(31)
  })
})

describe.each(engines)('regularization in fit on the %s engine', (_, engine) => {
  const batches = () => regressionBatches(8)

  /** The weights after each of some steps. */
  async function trajectory(changes: Partial<FitOptions>, steps: number) {
    const { options, store, weights } = await regression(engine, changes)
    const values: number[][] = [await weights()]
    const read = () => Promise.all(parameters.map((name) => store.read(name)))
    const evaluate = async () => {
      values.push((await read()).flatMap((value) => [...value]))
      return { loss: 0 }
    }
    const result = await fit({ ...options, batches, maxSteps: steps, evaluate, evaluateEvery: 1, ...changes })
    const last = await weights()
    store.dispose()
    return { values, last, result }
  }
  const close = (actual: number[], expected: number[]) =>
    expect(Float32Array.from(actual)).toBeAllClose(expected, { absolute: 2e-6, relative: 2e-6 })

  it('evaluates and ends with the exponential moving average', async () => {
    const plain = await trajectory({}, 6)
    const averaged = await trajectory({ averaging: { kind: 'ema', decay: 0.7 } }, 6)
    let expected = plain.values[0]!
    for (let step = 1; step <= 6; step++) {
      expected = expected.map((value, i) => 0.7 * value + 0.3 * plain.values[step]![i]!)
      close(averaged.values[step]!, expected)
    }
    close(averaged.last, expected)
  })

  it('evaluates and ends with the mean of chosen steps', async () => {
    const plain = await trajectory({}, 7)
    const averaged = await trajectory({ averaging: { kind: 'swa', firstStep: 3, every: 2 } }, 7)
    close(averaged.values[2]!, plain.values[2]!)
    const mean = (steps: number[]) =>
      plain.last.map((_, i) => steps.reduce((sum, step) => sum + plain.values[step]![i]! / steps.length, 0))
    close(averaged.values[4]!, mean([3]))
    close(averaged.last, mean([3, 5, 7]))
  })

  it('evaluates and ends with the average of schedule-free AdamW', async () => {
    const { values, last } = await trajectory({ optimizer: scheduleFreeAdamW() }, 5)
    close(last, values[5]!)
  })

  it.each<[string, Partial<FitOptions>]>([
    ['schedule-free AdamW', { optimizer: scheduleFreeAdamW() }],
    ['a moving average', { averaging: { kind: 'ema', decay: 0.7 } }],
    ['a mean', { averaging: { kind: 'swa', firstStep: 1, every: 1 } }],
  ])('evaluates what is still frozen as it is, by %s', async (_, changes) => {
    const groups = [
      { names: parameters.slice(2), weightDecay: 0 },
      { names: parameters.slice(0, 2), weightDecay: 0, firstStep: 4 },
    ]
    const { values, last } = await trajectory({ ...changes, groups }, 3)
    for (const seen of [...values, last]) close(seen.slice(0, 15), values[0]!.slice(0, 15))
    const { values: thawed } = await trajectory({ ...changes, groups }, 5)
    expect(thawed[5]!.slice(0, 15)).not.toEqual(thawed[0]!.slice(0, 15))
  })

  it('stops when the metric has not improved for a while, with the best weights', async () => {
    const { options, store, weights } = await regression(engine, {
      keepBest: { metric: 'loss', mode: 'min' },
    })
    const losses = [5, 4, 4.5, 3.95, 3.9, 1]
    const seen: number[][] = []
    const events: TrainingEvent[] = []
    const evaluate = async () => {
      seen.push(await weights())
      return { loss: losses[seen.length - 1]! }
    }
    const result = await fit({
      ...options,
      batches,
      maxSteps: 100,
      evaluate,
      evaluateEvery: 2,
      // 3.95 and 3.9 are better, but not by enough: they are kept and do not count.
      earlyStopping: { patience: 3, threshold: 0.2 },
      onEvent: (event) => events.push(event),
    })
    expect(result.steps).toBe(10)
    expect(result.stoppedEarly).toBe(true)
    expect(result.best).toMatchObject({ step: 10, value: 3.9 })
    expect(await weights()).toEqual(seen[4])
    expect(events.filter(({ type }) => type === 'earlyStop')).toEqual([
      { type: 'earlyStop', step: 10, epoch: 3 },
    ])
    store.dispose()
  })

  it.each<[string, number[], { threshold?: number }, number]>([
    // As the EarlyStoppingCallback of transformers 5.24 has them, with a patience of 1.
    ['the first evaluation, whatever it is', [NaN, 0.5, 0.5], {}, 3],
    ['what is better than the worst infinity', [-Infinity, 0.5, 0.5], {}, 3],
    ['a difference that rounding puts above the threshold', [0.1, 0.4, 0.4], { threshold: 0.3 }, 3],
  ])('counts %s as an improvement', async (_, scores, earlyStopping, evaluations) => {
    let count = 0
    const { result } = await trajectory(
      {
        evaluate: async () => ({ score: scores[count++]! }),
        keepBest: { metric: 'score', mode: 'max' },
        earlyStopping: { patience: 1, ...earlyStopping },
      },
      8,
    )
    expect(result.evaluations).toHaveLength(evaluations)
  })

  it('lowers the rate on a plateau', async () => {
    const rule = reduceOnPlateau({ learningRate: 0.02, patience: 1, factor: 0.5 })
    const { result } = await trajectory({ plateau: { rule, metric: 'loss' } }, 8)
    const rates = result.history.map(({ learningRate }) => learningRate)
    expect(rates).toEqual([0.02, 0.02, 0.02, 0.01, 0.01, 0.005, 0.005, 0.0025])
  })

  it('scales rates and freezes by group', async () => {
    const [hidden, output] = [parameters.slice(0, 2), parameters.slice(2)]
    const groups = [
      { names: hidden, weightDecay: 0, firstStep: 3 },
      { names: output, weightDecay: 0, learningRateScale: 0.5 },
    ]
    const optimizer = sgd()
    const grouped = await trajectory({ optimizer, groups, maxGradientNorm: 0 }, 3)
    const half = await trajectory({ optimizer, learningRate: 0.01, maxGradientNorm: 0 }, 1)
    const cut = 15
    expect(grouped.values[2]!.slice(0, cut)).toEqual(grouped.values[0]!.slice(0, cut))
    expect(grouped.values[3]!.slice(0, cut)).not.toEqual(grouped.values[0]!.slice(0, cut))
    expect(grouped.values[1]!.slice(cut)).toEqual(half.values[1]!.slice(cut))
  })

  it('clips the average of micro-batches', async () => {
    const optimizer = sgd()
    const clipping = { by: 'value', maximum: 0.05 } as const
    const run = async (size: number, gradientAccumulationSteps: number) => {
      const changes = { optimizer, clipping, gradientAccumulationSteps, learningRate: 1 }
      const { values } = await trajectory({ ...changes, batches: () => regressionBatches(size) }, 3)
      return values
    }
    const [whole, parts] = [await run(8, 1), await run(2, 4)]
    close(parts[3]!, whole[3]!)
    const steps = whole[1]!.map((value, i) => Math.abs(value - whole[0]![i]!))
    expect(Math.max(...steps)).toBeCloseTo(0.05, 6)
  })

  it('learns from the worst neighbour too, and leaves the weights where they were', async () => {
    const epsilon = 0.3
    const name = 'hidden.weight'
    const fgm = await trajectory(
      { optimizer: sgd(), maxGradientNorm: 0, adversarial: { parameters: [name], epsilon } },
      1,
    )
    // By hand: one step, its gradient, the neighbour, and the sum of both gradients.
    const first = await trajectory({ optimizer: sgd(), maxGradientNorm: 0, learningRate: 1 }, 1)
    const gradient = first.values[0]!.map((value, i) => value - first.values[1]![i]!)
    const norm = Math.hypot(...gradient.slice(0, 10))
    const { options, store } = await regression(engine, { optimizer: sgd() })
    const start = await store.read(name)
    store.write(
      name,
      start.map((value, i) => value + (epsilon * gradient[i]!) / norm),
    )
    const before = (await Promise.all(parameters.map((n) => store.read(n)))).flatMap((v) => [...v])
    await fit({ ...options, optimizer: sgd(), maxGradientNorm: 0, learningRate: 1, batches, maxSteps: 1 })
    const after = (await Promise.all(parameters.map((n) => store.read(n)))).flatMap((v) => [...v])
    const expected = fgm.values[0]!.map((value, i) => value - 0.02 * (gradient[i]! + before[i]! - after[i]!))
    close(fgm.values[1]!, expected)
    store.dispose()
  })

  it('leaves out steps that are not finite, up to a limit', async () => {
    const broken = (at: readonly number[]) => () =>
      regressionBatches(8, { count: 80 }).map((batch, index) => {
        if (!at.includes(index)) return batch
        const y = { ...batch.inputs.y!, data: batch.inputs.y!.data.map(() => Number.NaN) }
        return { ...batch, inputs: { ...batch.inputs, y } }
      })
    const events: TrainingEvent[] = []
    const run = (at: number[]) =>
      trajectory(
        { batches: broken(at), epochs: 1, skipNonFinite: 2, onEvent: (event) => events.push(event) },
        100,
      )
    const { result, last } = await run([2, 3, 6])
    expect(result.steps).toBe(7)
    expect(events.filter(({ type }) => type === 'skip')).toHaveLength(3)
    expect(last.every(Number.isFinite)).toBe(true)
    await expect(run([2, 3, 4])).rejects.toThrow('the loss is NaN in step 3 (epoch 1')
  })

  it('keeps nothing for parameters that are not trained', async () => {
    const { fitSlots } = await import('../src/index')
    const store = engine.createStore(
      { a: [4, 4], b: [4] },
      fitSlots({ optimizer: adamW(), parameters: ['b'] }),
    )
    expect((await store.read('a')).length).toBe(16)
    expect((await store.read('a', 'gradient')).length + (await store.read('a', 'expAvg')).length).toBe(0)
    expect((await store.read('b', 'expAvgSq')).length).toBe(4)
    store.dispose()
  })

  it('refuses what contradicts itself', async () => {
    const { options } = await regression(engine)
    const run = (changes: Partial<FitOptions>) => fit({ ...options, batches, maxSteps: 1, ...changes })
    await expect(run({ earlyStopping: { patience: 1 } })).rejects.toThrow(
      "'earlyStopping' must be left out without keepBest",
    )
    await expect(
      run({ plateau: { rule: reduceOnPlateau({ learningRate: 1 }), metric: 'loss' } }),
    ).rejects.toThrow("'plateau' must be left out without evaluate")
    await expect(run({ averaging: { kind: 'ema', decay: 1 } })).rejects.toThrow(
      "'averaging.decay' must be between 0 and",
    )
    await expect(
      run({ averaging: { kind: 'ema', decay: 0.5 }, optimizer: scheduleFreeAdamW() }),
    ).rejects.toThrow("must be left out with 'scheduleFreeAdamW', which averages by itself")
    await expect(run({ clipping: { by: 'norms' as 'norm', maximum: 1 } })).rejects.toThrow(
      "'clipping.by' must be one of norm, value, parameter, adaptive, but got 'norms'",
    )
    await expect(run({ clipping: { by: 'value', maximum: Number.NaN } })).rejects.toThrow(
      "'clipping.maximum' must be a finite number of at least 0, but got NaN",
    )
    const evaluate = async () => ({ loss: 1 })
    const keepBest = { metric: 'loss', mode: 'min' } as const
    const names = parameters
    const wrong: [string, Partial<FitOptions>][] = [
      ['averaging.kind', { averaging: { kind: 'mean' as 'swa', firstStep: 1, every: 1 } }],
      ['keepBest.mode', { evaluate, keepBest: { metric: 'loss', mode: 'lowest' as 'min' } }],
      ['earlyStopping.threshold', { evaluate, keepBest, earlyStopping: { patience: 1, threshold: NaN } }],
      ['adversarial.epsilon', { adversarial: { parameters: names.slice(0, 1), epsilon: NaN } }],
      ['groups.weightDecay', { groups: [{ names, weightDecay: NaN }] }],
      ['groups.learningRateScale', { groups: [{ names, weightDecay: 0, learningRateScale: -1 }] }],
      ['groups.firstStep', { groups: [{ names, weightDecay: 0, firstStep: 0 }] }],
    ]
    for (const [argument, changes] of wrong) {
      await expect(run(changes)).rejects.toThrow(`'${argument}' must be`)
    }
  })

  it('refuses a rate that is no number before it spoils the weights', async () => {
    const { options, weights } = await regression(engine)
    const before = await weights()
    const schedule = () => Number.NaN
    await expect(fit({ ...options, batches, maxSteps: 1, schedule })).rejects.toThrow(
      "'schedule' must be a function from the step to a finite factor on the learning rate, but got NaN at step 1",
    )
    expect(await weights()).toEqual(before)
  })
})
