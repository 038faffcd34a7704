import type { Program } from '@tfx/backend'
import { mixSeed } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { describe, expect, it } from 'vitest'
import {
  clipCoefficient,
  fit,
  linearSchedule,
  type Optimizer,
  TrainingAbortedError,
  type TrainingBatch,
  type TrainingEvent,
} from '../src/index'
import { engines } from './stores'
import { parameters, regression, regressionBatches } from './regression'

describe.each(engines)('fit on the %s engine', (_, engine) => {
  it('learns, and says what it did', async () => {
    const { options, store } = await regression(engine)
    const schedule = linearSchedule({ warmupSteps: 10, totalSteps: 160 })
    const events: TrainingEvent[] = []
    const result = await fit({
      ...options,
      schedule,
      batches: () => regressionBatches(8),
      epochs: 40,
      stepsPerEpoch: 4,
      onEvent: (event) => events.push(event),
    })
    const { history } = result
    expect(history.map((record) => record.step)).toEqual(Array.from({ length: 160 }, (_, index) => index + 1))
    expect(history[0]?.learningRate).toBe(0)
    expect(history[100]?.learningRate).toBeCloseTo(0.02 * schedule(100), 12)
    expect(history[5]).toMatchObject({ step: 6, epoch: 2, examples: 8, tokens: 16, targets: 8 })
    const meanOf = (from: number) =>
      history.slice(from, from + 4).reduce((sum, { loss }) => sum + loss / 4, 0)
    expect(meanOf(156)).toBeLessThan(0.1 * meanOf(0))
    expect(events[0]).toEqual({ type: 'start', totalSteps: 160, epochs: 40, parameters: 21 })
    const firstEpoch = events.find((event) => event.type === 'epoch')
    expect(firstEpoch).toMatchObject({ epoch: 1, step: 4 })
    expect(firstEpoch?.loss).toBeCloseTo(meanOf(0), 10)
    expect(events.filter((event) => event.type === 'step')).toHaveLength(160)
    expect(events.at(-1)).toEqual({ type: 'end', result })
    store.dispose()
  })

  it('learns the same from 8 × 1 as from 2 × 4, also where weights differ', async () => {
    const uneven = (batchSize: number) => () => regressionBatches(batchSize, { count: 44 })
    const train = async (batchSize: number, gradientAccumulationSteps: number) => {
      const { options, weights } = await regression(engine, { gradientAccumulationSteps })
      const { history } = await fit({ ...options, batches: uneven(batchSize), epochs: 5 })
      return {
        weights: await weights(),
        losses: history.map(({ loss }) => loss),
        norms: history.map((step) => step.gradientNorm),
      }
    }
    const whole = await train(8, 1)
    // 44 = 5 · 8 + 4: the last step of each epoch has fewer micro-batches; 3 + 3 + 2 have unequal weights.
    for (const accumulated of [await train(2, 4), await train(4, 2)]) {
      expect(accumulated.losses).toBeAllClose(whole.losses, { absolute: 1e-6, relative: 1e-5 })
      expect(accumulated.norms).toBeAllClose(whole.norms, { absolute: 1e-6, relative: 1e-5 })
      expect(accumulated.weights).toBeAllClose(whole.weights, { absolute: 1e-5, relative: 1e-5 })
    }
  })

  it.each([
    ['clips to the given norm', 0.5],
    ['leaves gradients alone with a norm of 0', 0],
  ])('%s', async (_, maxGradientNorm) => {
    const { options } = await regression(engine, { gradientAccumulationSteps: 2 })
    const scales: number[] = []
    const optimizer: Optimizer = {
      ...options.optimizer,
      update(settings) {
        scales.push(settings.gradientScale)
        options.optimizer.update(settings)
      },
    }
    const { history } = await fit({
      ...options,
      optimizer,
      batches: () => regressionBatches(8),
      epochs: 4,
      maxGradientNorm,
    })
    // The accumulated gradient is a sum over 16 targets; there are two groups of parameters.
    const expected = history.map(({ gradientNorm }) => clipCoefficient(gradientNorm, maxGradientNorm) / 16)
    expect(scales).toBeAllClose(
      expected.flatMap((scale) => [scale, scale]),
      { absolute: 0, relative: 1e-12 },
    )
    expect(history.some(({ gradientNorm }) => gradientNorm > 0.5)).toBe(true)
  })

  it('weighs micro-batches by their targets and skips those without', async () => {
    const [first, second] = regressionBatches(6) as [TrainingBatch, TrainingBatch]
    const slice = ({ inputs }: TrainingBatch, [from, to]: [number, number]): TrainingBatch => {
      const rows = (name: string, width: number) => {
        const data = (inputs[name]?.data as Float32Array).slice(from * width, to * width)
        return { dtype: 'float32' as const, shape: [to - from, width], data }
      }
      const size = to - from
      return { inputs: { x: rows('x', 2), y: rows('y', 1) }, examples: size, tokens: size, weight: size }
    }
    const empty = { ...second, weight: 0 }
    const whole = await regression(engine)
    const parts = await regression(engine, { gradientAccumulationSteps: 2 })
    await fit({ ...whole.options, batches: () => [first], epochs: 3 })
    const { history } = await fit({
      ...parts.options,
      batches: () => [empty, slice(first, [0, 5]), empty, slice(first, [5, 6])],
      epochs: 3,
    })
    expect(history.map(({ targets }) => targets)).toEqual([6, 6, 6])
    expect(await parts.weights()).toBeAllClose(await whole.weights(), { absolute: 1e-6, relative: 1e-5 })
  })

  it('gives every run its own seed, and the same ones again', async () => {
    const { options, program } = await regression(engine, { gradientAccumulationSteps: 2 })
    const seeds: (number | undefined)[] = []
    const spied: Program = {
      ...program,
      run: (inputs, runOptions) => {
        seeds.push(runOptions?.seed)
        return program.run(inputs, runOptions)
      },
    }
    await fit({ ...options, program: spied, batches: () => regressionBatches(8), epochs: 2, seed: 7 })
    expect(seeds).toEqual(Array.from({ length: 8 }, (_, index) => mixSeed(7, index)))
  })

  it('drops out by the seed alone', async () => {
    const train = async (seed: number) => {
      const { options, weights } = await regression(engine, { dropoutRate: 0.3 })
      await fit({ ...options, batches: () => regressionBatches(8), epochs: 2, seed })
      return weights()
    }
    const once = await train(7)
    expect(await train(7)).toEqual(once)
    expect(await train(8)).not.toBeAllClose(once, { absolute: 1e-3 })
  })

  it('gives the same weights again, even on a used store', async () => {
    const { options, weights, store } = await regression(engine)
    const start = await Promise.all(parameters.map((name) => store.read(name)))
    const train = () =>
      fit({ ...options, batches: (epoch) => regressionBatches(8, { seed: epoch }), epochs: 3 })
    await train()
    const once = await weights()
    for (const [index, name] of parameters.entries()) store.write(name, start[index]!)
    await train()
    expect(await weights()).toEqual(once)
  })

  it('stops when aborted in mid-epoch, and keeps what was learned', async () => {
    const { options, weights } = await regression(engine)
    const reference = await regression(engine)
    await fit({ ...reference.options, batches: () => regressionBatches(8), maxSteps: 6 })
    const controller = new AbortController()
    const events: string[] = []
    let closed = 0
    const error: unknown = await fit({
      ...options,
      batches: function* () {
        try {
          yield* regressionBatches(8)
        } finally {
          closed++
        }
      },
      epochs: 10,
      signal: controller.signal,
      onEvent: (event) => {
        events.push(event.type)
        if (event.type === 'step' && event.step === 6) controller.abort('enough')
      },
    }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TrainingAbortedError)
    const aborted = error as TrainingAbortedError
    expect(aborted.message).toBe(
      "fit: 'signal' is aborted after step 6. " +
        'The weights learned until then are in the store, and the history in error.result.',
    )
    expect(aborted.code).toBe('ERR_TFX_ABORTED')
    expect(aborted.result.history).toHaveLength(6)
    expect(events.at(-1)).toBe('aborted')
    expect(closed).toBe(2)
    expect(await weights()).toEqual(await reference.weights())
  })

  it('hears a timer abort between steps', async () => {
    const { options } = await regression(engine)
    const signal = AbortSignal.timeout(50)
    await expect(
      fit({ ...options, batches: () => regressionBatches(8), epochs: 1e9, signal }),
    ).rejects.toBeInstanceOf(TrainingAbortedError)
  })

  it('stops at a loss that is not finite, with the parameters untouched', async () => {
    const { options, weights } = await regression(engine, { gradientAccumulationSteps: 2 })
    const reference = await regression(engine, { gradientAccumulationSteps: 2 })
    await fit({ ...reference.options, batches: () => regressionBatches(8), maxSteps: 1 })
    const batches = regressionBatches(8)
    ;(batches[3]?.inputs.x?.data as Float32Array)[0] = Number.NaN
    await expect(fit({ ...options, batches: () => batches, epochs: 3 })).rejects.toThrow(
      "fit: 'learningRate' must be low enough for a finite loss and finite gradients, but got 0.02: the loss is NaN " +
        'in step 2 (epoch 1, micro-batch 2). Lower it or warm it up for longer; if this happens in the first steps, ' +
        'look at that batch for broken inputs or labels. The parameters are as they were before the step.',
    )
    expect(await weights()).toEqual(await reference.weights())
  })

  it('names the first gradient that is not finite, with the parameters untouched', async () => {
    const { options, weights, program, store } = await regression(engine)
    const before = await weights()
    const spoiled: Program = {
      ...program,
      run: async (inputs, runOptions) => {
        const outputs = await program.run(inputs, runOptions)
        for (const name of ['output.weight', 'hidden.bias']) {
          store.write(name, new Float32Array(5).fill(Infinity), 'gradient')
        }
        return outputs
      },
    }
    await expect(
      fit({ ...options, program: spoiled, batches: () => regressionBatches(8), epochs: 1 }),
    ).rejects.toThrow(
      "but got 0.02: the gradient of 'hidden.bias' has a NaN or an infinity in step 1 (epoch 1",
    )
    expect(await weights()).toEqual(before)
  })

  it('evaluates each epoch and ends with the best weights', async () => {
    const scores = [Number.NaN, 0.9, 0.2, 0.9, 0.5]
    const keepBest = { metric: 'accuracy', mode: 'max' as const }
    const { options, weights } = await regression(engine, { keepBest })
    const reference = await regression(engine)
    const batches = () => regressionBatches(8)
    await fit({ ...reference.options, batches, epochs: 2 })
    const events: TrainingEvent[] = []
    const result = await fit({
      ...options,
      batches,
      epochs: 5,
      evaluate: () => Promise.resolve({ accuracy: scores.shift() ?? 0, loss: 1 }),
      onEvent: (event) => events.push(event),
    })
    expect(result.best).toEqual({ step: 8, epoch: 2, metric: 'accuracy', value: 0.9 })
    expect(result.evaluations.map(({ step, metrics }) => [step, metrics.accuracy])).toEqual([
      [4, Number.NaN],
      [8, 0.9],
      [12, 0.2],
      [16, 0.9],
      [20, 0.5],
    ])
    expect(events.filter(({ type }) => type === 'best')).toHaveLength(1)
    expect(await weights()).toEqual(await reference.weights())
  })

  it('evaluates every so many steps and after the last', async () => {
    const { options } = await regression(engine)
    const { evaluations, best } = await fit({
      ...options,
      batches: () => regressionBatches(8),
      maxSteps: 7,
      evaluate: () => Promise.resolve({ loss: 1 }),
      evaluateEvery: 3,
    })
    expect(evaluations.map(({ step }) => step)).toEqual([3, 6, 7])
    expect(best).toBeUndefined()
  })

  it('asks for the next batch while the program runs', async () => {
    const { options, program } = await regression(engine)
    let asked = 0
    const batches = function* () {
      for (const batch of regressionBatches(8)) {
        asked++
        yield batch
      }
      asked++
    }
    const askedWhileRunning: number[] = []
    const spied: Program = {
      ...program,
      run: async (inputs, runOptions) => {
        const before = asked
        const outputs = await program.run(inputs, runOptions)
        askedWhileRunning.push(asked - before)
        return outputs
      },
    }
    await fit({ ...options, program: spied, batches, epochs: 2 })
    expect(askedWhileRunning).toEqual(Array(8).fill(1))
  })

  it('takes asynchronous data', async () => {
    const asynchronous = await regression(engine)
    const reference = await regression(engine)
    await fit({ ...reference.options, batches: () => regressionBatches(8), epochs: 2 })
    const batches = async function* () {
      for (const batch of regressionBatches(8)) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        yield batch
      }
    }
    await fit({ ...asynchronous.options, batches, epochs: 2 })
    expect(await asynchronous.weights()).toEqual(await reference.weights())
  })

  it('learns from a stream without an end as far as it is told', async () => {
    const { options } = await regression(engine)
    let [read, closed] = [0, false]
    async function* endless() {
      try {
        for (;;) {
          for (const batch of regressionBatches(8)) {
            read++
            yield batch
          }
        }
      } finally {
        closed = true
      }
    }
    const events: TrainingEvent[] = []
    const result = await fit({
      ...options,
      batches: endless,
      maxSteps: 50,
      evaluate: () => Promise.resolve({ steps: read }),
      evaluateEvery: 20,
      onEvent: (event) => events.push(event),
    })
    expect(events[0]).toMatchObject({ type: 'start', totalSteps: 50, epochs: undefined })
    expect(result.steps).toBe(50)
    expect(result.evaluations.map(({ step }) => step)).toEqual([20, 40, 50])
    expect(closed).toBe(true)
    // No more than one batch ahead.
    expect(read).toBeLessThanOrEqual(51)
  })

  it('passes on what the data throws', async () => {
    const { options } = await regression(engine)
    const batches = function* () {
      yield* regressionBatches(8).slice(0, 2)
      throw new Error('broken file')
    }
    await expect(fit({ ...options, batches, epochs: 1 })).rejects.toThrow('broken file')
  })

  it('keeps memory flat', async () => {
    const { options } = await regression(engine, { gradientAccumulationSteps: 2 })
    const batches = () => regressionBatches(8)
    await fit({ ...options, batches, maxSteps: 2 })
    const before = tf.memory().numTensors
    await fit({ ...options, batches, maxSteps: 50 })
    expect(tf.memory().numTensors).toBe(before)
  })

  it('refuses what cannot be meant', async () => {
    const { options } = await regression(engine)
    const run = (changes: Partial<Parameters<typeof fit>[0]>) =>
      fit({ ...options, batches: () => regressionBatches(8), epochs: 1, ...changes })
    await expect(fit({ ...options, batches: () => [] })).rejects.toThrow(
      "fit: 'epochs' must be given, or maxSteps, but got neither. Say how long to train.",
    )
    await expect(run({ batches: () => [] })).rejects.toThrow(
      "fit: 'batches' must be at least one batch with targets in every epoch, but got none in epoch 1. " +
        'Return a new iterable at each call, and check that the data is not empty or all ignored.',
    )
    await expect(run({ epochs: 0 })).rejects.toThrow("'epochs' must be an integer of at least 1, but got 0")
    const misspelled = { learningrate: 0.1 } as object
    await expect(run(misspelled)).rejects.toThrow(
      "'learningrate' must be left out, for there is no such option",
    )
    await expect(run({ learningRate: Number.NaN })).rejects.toThrow("'learningRate' must be a finite number")
    await expect(run({ parameters: ['hidden.weight', 'nothing'] })).rejects.toThrow(
      "fit: 'parameters' must be one or more names in the store, but got 'nothing'. " +
        "There are 4 to choose from, the first is 'hidden.weight'.",
    )
    await expect(run({ gradientAccumulationSteps: 2 })).rejects.toThrow(
      "fit: 'store' must be a store with the slots 'accumulated'",
    )
    await expect(run({ keepBest: { metric: 'f1', mode: 'max' } })).rejects.toThrow(
      "fit: 'keepBest' must be left out without evaluate, but got given.",
    )
    const keepBest = { metric: 'f1', mode: 'max' } as const
    const measured = await regression(engine, { keepBest })
    const evaluate = () => Promise.resolve({ loss: 1, accuracy: 1 })
    await expect(
      fit({ ...measured.options, batches: () => regressionBatches(8), epochs: 1, evaluate }),
    ).rejects.toThrow(
      "fit: 'keepBest.metric' must be a metric that evaluate returns: 'loss', 'accuracy', but got 'f1'. Choose one of them.",
    )
    const silent: Program = { run: () => Promise.resolve({}), dispose: () => Promise.resolve() }
    await expect(run({ program: silent })).rejects.toThrow(
      "fit: 'program' must be a program with the output 'loss', a scalar, but got one without.",
    )
  })
})

describe('fit', () => {
  it('learns the same on every engine, dropout and accumulation included', async () => {
    const keepBest = { metric: 'loss', mode: 'min' as const }
    const results = []
    for (const [, engine] of engines) {
      const { options, weights } = await regression(engine, {
        dropoutRate: 0.1,
        gradientAccumulationSteps: 2,
        keepBest,
      })
      const losses = [3, 2, 4]
      const evaluate = () => Promise.resolve({ loss: losses.shift() ?? Infinity })
      await fit({ ...options, batches: () => regressionBatches(4), epochs: 3, evaluate })
      results.push(await weights())
    }
    expect(results[0]).toBeAllClose(results[1] ?? [], { absolute: 1e-5, relative: 1e-5 })
  })

  it('keeps the resident set flat over 2,000 steps', async () => {
    const [, engine] = engines[0]!
    const { options } = await regression(engine)
    const batches = () => regressionBatches(8)
    const residentAfter = async (maxSteps: number) => {
      await fit({ ...options, batches, maxSteps })
      return process.memoryUsage().rss / 2 ** 20
    }
    const before = await residentAfter(1000)
    expect((await residentAfter(2000)) - before).toBeLessThan(30)
  })
})
