import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { batchNorm, type Engine, linear, type StepFunction } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { fit, type FitOptions, fitSlots, sgd, type TrainingBatch } from '../src/index'
import { engines } from './stores'

interface Reference {
  start: Record<string, number[]>
  batches: { x: number[]; y: number[] }[]
  after: Record<string, number[]>
  evaluation: number[]
}

/** linear → batchNorm → tanh → linear, its running statistics kept as torch keeps its buffers. */
const reference = loadFixture<Reference>('train/batch-norm')
const shapes = {
  'hidden.weight': [4, 3],
  'hidden.bias': [4],
  'norm.weight': [4],
  'norm.bias': [4],
  'norm.running_mean': [4],
  'norm.running_var': [4],
  'output.weight': [1, 4],
  'output.bias': [1],
}
const buffers = ['norm.running_mean', 'norm.running_var']
const parameters = Object.keys(shapes).filter((name) => !buffers.includes(name))

function step(training: boolean): StepFunction {
  return ({ inputs: { x, y }, parameters: p }) => {
    const hidden = linear(x!, p['hidden.weight']!, p['hidden.bias'])
    const { value, running } = batchNorm(hidden, {
      weight: p['norm.weight']!,
      bias: p['norm.bias']!,
      running: { mean: p['norm.running_mean']!, variance: p['norm.running_var']! },
      training,
    })
    const prediction = linear(tf.tanh(value), p['output.weight']!, p['output.bias'])
    if (!training) return { prediction }
    const loss = tf.mean(tf.square(tf.sub(prediction, y!)))
    return { loss, 'norm.running_mean': running.mean, 'norm.running_var': running.variance }
  }
}

const float32 = (shape: number[], data: number[]) =>
  ({ dtype: 'float32', shape, data: Float32Array.from(data) }) as const

const batches = reference.batches.map(({ x, y }): TrainingBatch => {
  const size = y.length
  const inputs = { x: float32([size, 3], x), y: float32([size, 1], y) }
  return { inputs, examples: size, tokens: size, weight: size }
})

async function train(engine: Engine, changes: Partial<FitOptions>) {
  const optimizer = sgd()
  const slots = fitSlots({ optimizer, parameters, buffers, ...changes })
  const store = engine.createStore(shapes, slots)
  for (const [name, values] of Object.entries(reference.start)) store.write(name, Float32Array.from(values))
  const size = 'batch'
  const inputs = { x: { shape: [size, 3] }, y: { shape: [size, 1] } }
  const gradients = { of: 'loss', withRespectTo: parameters }
  const program = await engine.compile(step(true), { inputs, parameters: store, gradients })
  const outcome = await fit({
    store,
    program,
    parameters,
    buffers,
    optimizer,
    batches: () => batches,
    epochs: 2,
    learningRate: 0.05,
    maxGradientNorm: 0,
    ...changes,
  }).catch((error: unknown) => error)
  const values = async (names: readonly string[]) => {
    const all = await Promise.all(names.map(async (name) => [name, [...(await store.read(name))]] as const))
    return Object.fromEntries(all)
  }
  return { store, outcome, values }
}

describe.each(engines)('running statistics in fit on the %s engine', (_, engine) => {
  it('are those of torch after a training, and so is the evaluation by them', async () => {
    const { store, values } = await train(engine, {})
    for (const [name, after] of Object.entries(await values(Object.keys(shapes)))) {
      expect(after).toBeAllClose(reference.after[name]!, { absolute: 1e-6, relative: 1e-5 })
    }
    const { inputs } = batches[0]!
    const program = await engine.compile(step(false), {
      inputs: { x: { shape: ['batch', 3] } },
      parameters: store,
    })
    const { prediction } = await program.run({ x: inputs.x! })
    expect(prediction!.data).toBeAllClose(reference.evaluation, { absolute: 1e-6, relative: 1e-5 })
  })

  it('are as they were before a step that is cut, and go on from a checkpoint', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tfx-buffers-'))
    const accumulation = { gradientAccumulationSteps: 2, checkpoints: { directory, everySteps: 1 } } as const
    const whole = await train(engine, { gradientAccumulationSteps: 2 })
    const controller = new AbortController()
    let taken = 0
    const cut = function* () {
      for (const batch of batches) {
        // In the middle of the second step, whose first micro-batch has been learned from.
        if (++taken === 4) controller.abort()
        yield batch
      }
    }
    const first = await train(engine, { ...accumulation, batches: cut, signal: controller.signal })
    expect(first.outcome).toMatchObject({ name: 'TrainingAbortedError', result: { steps: 1 } })
    const one = await train(engine, { gradientAccumulationSteps: 2, maxSteps: 1 })
    expect(await first.values(buffers)).toEqual(await one.values(buffers))
    const resumed = await train(engine, accumulation)
    expect(await resumed.values(Object.keys(shapes))).toEqual(await whole.values(Object.keys(shapes)))
    await rm(directory, { recursive: true })
  })

  it('are kept with the best weights, and not taken from a step that is skipped', async () => {
    const losses = [3, 1, 2, 4]
    const keepBest = { metric: 'loss', mode: 'min' } as const
    const evaluate = async () => ({ loss: losses.shift()! })
    const best = await train(engine, { keepBest, evaluate, evaluateEvery: 1, maxSteps: 4 })
    const two = await train(engine, { maxSteps: 2 })
    expect(await best.values(buffers)).toEqual(await two.values(buffers))
    const broken = {
      ...batches[1]!,
      inputs: {
        ...batches[1]!.inputs,
        x: float32(
          [8, 3],
          Array.from({ length: 24 }, () => NaN),
        ),
      },
    }
    const skipping = await train(engine, {
      batches: () => [batches[0]!, broken],
      epochs: 1,
      skipNonFinite: 1,
    })
    const one = await train(engine, { maxSteps: 1 })
    expect(await skipping.values(buffers)).toEqual(await one.values(buffers))
  })

  it('must be outputs of the program and in the store', async () => {
    const message = async (names: string[]) => String((await train(engine, { buffers: names })).outcome)
    expect(await message(['norm.bias'])).toContain(
      "fit: 'buffers' must be names of float32 outputs of the program, but got 'norm.bias', which is none.",
    )
    expect(await message(['other'])).toContain("fit: 'buffers' must be one or more names in the store")
  })
})
