import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createOnnxEngine,
  createTfjsEngine,
  type Engine,
  type InputSpec,
  type NamedTensors,
  type ParameterStore,
} from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { expect } from 'vitest'
import {
  initializeParameters,
  loadCheckpoint,
  type ModelConfig,
  type ModelKind,
  openSafetensors,
  type Parameters,
  type ParameterSpecs,
  saveCheckpoint,
  type Task,
} from '../src/index'

/** What the contract of every kind of model has in common. */

export const engines: [string, () => Engine][] = [
  ['onnx', () => createOnnxEngine()],
  ['tfjs:cpu', () => createTfjsEngine('cpu')],
]

/** 1e-5 of the largest entry, or of 1. */
export const near = (expected: ArrayLike<number>) => ({
  absolute: 1e-5 * Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 1),
})

export type Weights = ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>

/** Every tensor of a safetensors file. */
export async function readTensors(path: string): Promise<Weights> {
  const file = await openSafetensors(path)
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>()
  for (const [name, { shape }] of file.tensors) tensors.set(name, { shape, values: await file.read(name) })
  await file.close()
  return tensors
}

/** A matrix of whole numbers as a program takes it; a list is a vector. */
export function int32(rows: number[][] | number[]): HostTensor {
  const data = Int32Array.from(rows.flat())
  const shape = Array.isArray(rows[0]) ? [rows.length, rows[0].length] : [rows.length]
  return { dtype: 'int32', shape, data }
}

/** The same with columns of a number added behind. */
export const padded = (rows: number[][], columns: number, value: number): HostTensor =>
  int32(rows.map((row) => [...row, ...Array<number>(columns).fill(value)]))

/** What a program takes, as tensors. */
export const tensorsOf = (hosts: Record<string, HostTensor>): Record<string, tf.Tensor> =>
  Object.fromEntries(
    Object.entries(hosts).map(([key, { data, shape }]) => [key, tf.tensor(data, [...shape], 'int32')]),
  )

export const matrix = (rows: number[][]): tf.Tensor2D => tf.tensor2d(rows, undefined, 'int32')

/** Weights as tensors. */
export const parametersOf = ({ weights }: { weights: Weights }): Record<string, tf.Tensor> =>
  Object.fromEntries([...weights].map(([key, { shape, values }]) => [key, tf.tensor(values, [...shape])]))

/** The shapes of some parameters. */
export const shapesOfSpecs = (specs: ParameterSpecs): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape]))

/** A model that {@link compileModel} made. */
export interface CompiledModel {
  readonly store: ParameterStore
  /** The parameters that have gradients. */
  readonly names: readonly string[]
  readonly run: (batch: Record<string, HostTensor>, seed?: number) => Promise<Record<string, HostTensor>>
  dispose(): Promise<void>
}

/** Compiles logits, loss and gradients for batches of any size. */
export async function compileModel(
  engine: Engine,
  {
    specs,
    weightOf,
    inputs,
    compute,
    trained = () => true,
  }: {
    specs: ParameterSpecs
    weightOf: (name: string) => Float32Array | undefined
    inputs: Record<string, InputSpec>
    compute: (parameters: Parameters, inputs: NamedTensors) => { logits: tf.Tensor; loss: tf.Tensor }
    trained?: ((name: string) => boolean) | undefined
  },
): Promise<CompiledModel> {
  const store = engine.createStore(shapesOfSpecs(specs), ['gradient'])
  for (const name of Object.keys(specs)) {
    const values = weightOf(name)
    if (values) store.write(name, values)
  }
  const names = Object.keys(specs).filter((name) => !specs[name]!.isFixed && trained(name))
  const program = await engine.compile(({ inputs: given, parameters }) => compute(parameters, given), {
    inputs,
    parameters: store,
    gradients: { of: 'loss', withRespectTo: names },
  })
  return {
    store,
    names,
    run: (batch, seed) => program.run(batch, seed === undefined ? {} : { seed }),
    async dispose() {
      await program.dispose()
      store.dispose()
    },
  }
}

/** Compares the gradients of the latest run with PyTorch's in a file: within 1e-4 of each tensor's largest entry. */
export async function expectGradients({ store, names }: CompiledModel, path: string): Promise<void> {
  const gradients = await readTensors(path)
  expect([...gradients.keys()].sort()).toEqual([...names].sort())
  for (const [key, { values }] of gradients) {
    const largest = values.reduce((most, gradient) => Math.max(most, Math.abs(gradient)), 0)
    // The key bias has a gradient of 0 but for rounding: softmax does not change when all scores shift.
    const bound = { absolute: Math.max(1e-4 * largest, 1e-6), relative: 0 }
    expect(await store.read(key, 'gradient'), key).toBeAllClose(values, bound)
  }
}

/**
 * Checks that each rate drops something while training, other things with another seed, and that nothing is dropped
 * where all are 0.
 *
 * @param logitsOf Of a model with some rates changed, while it trains.
 * @param still The logits without dropout.
 */
export async function expectDropout(
  rates: readonly string[],
  logitsOf: (change: Record<string, number>, seed: number) => Promise<number[]>,
  still: readonly number[],
): Promise<void> {
  const none = Object.fromEntries(rates.map((rate) => [rate, 0]))
  expect(await logitsOf(none, 1)).toBeAllClose(still, near(still))
  for (const rate of rates) {
    const dropped = await logitsOf({ ...none, [rate]: 0.5 }, 1)
    expect(dropped, rate).not.toBeAllClose(still, { absolute: 1e-3 })
    expect(await logitsOf({ ...none, [rate]: 0.5 }, 2), rate).not.toEqual(dropped)
  }
}

/** Ten steps of gradient descent on one batch. @returns The loss before each. */
export async function learn(
  { store, names, run }: CompiledModel,
  batch: Record<string, HostTensor>,
  rate: number,
): Promise<number[]> {
  const losses: number[] = []
  for (let step = 0; step < 10; step++) {
    const { loss } = await run(batch)
    losses.push(loss!.data[0]!)
    for (const key of names) {
      const gradient = await store.read(key, 'gradient')
      const value = await store.read(key)
      store.write(
        key,
        value.map((weight, index) => weight - rate * gradient[index]!),
      )
    }
  }
  return losses
}

/** New weights as tensors. */
export async function initialParameters(
  config: ModelConfig,
  task: Task,
  specs: ParameterSpecs,
): Promise<Record<string, tf.Tensor>> {
  const parameters: Record<string, tf.Tensor> = {}
  await initializeParameters(config, task, {
    write: (key, values) => void (parameters[key] = tf.tensor(values, [...specs[key]!.shape])),
  })
  return parameters
}

/** Checks that a language model that knows nothing has a loss near ln(vocabulary). */
export function expectUniform(logits: tf.Tensor, vocabSize: number): void {
  const loss = tf.neg(tf.mean(tf.logSoftmax(logits))).dataSync()[0]
  expect(loss).toBeCloseTo(Math.log(vocabSize), 1)
}

/** Saves a model of a task, loads it, and checks that every weight came back bit for bit, and nothing else. */
export async function saveAndLoad<K extends ModelKind>(
  kind: K,
  {
    config,
    task,
    specs,
    weightOf,
  }: { config: ModelConfig; task: Task; specs: ParameterSpecs; weightOf: (name: string) => Float32Array },
) {
  const directory = join(await mkdtemp(join(tmpdir(), 'tfx-contract-')), 'model')
  const vocabulary = new TextEncoder().encode('[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n')
  await saveCheckpoint(directory, {
    config,
    task,
    tokenizer: { files: new Map([['vocab.txt', vocabulary]]) },
    parameters: { shapes: shapesOfSpecs(specs), read: (key) => Promise.resolve(weightOf(key)) },
  })
  const checkpoint = await loadCheckpoint(directory, { kind })
  const write = (key: string, values: Float32Array) => expect(values, key).toEqual(weightOf(key))
  const report = await checkpoint.loadParameters(task, { write })
  expect(report).toMatchObject({ newlyInitialised: [], unexpected: [] })
  expect([...report.loaded].sort()).toEqual(Object.keys(specs).sort())
  return { checkpoint, directory }
}
