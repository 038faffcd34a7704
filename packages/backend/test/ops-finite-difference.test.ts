import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { finiteDifference } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  batchNorm,
  dropout,
  embedding,
  gelu,
  layerNorm,
  linear,
  type NamedTensors,
  rmsNorm,
  silu,
  softmax,
  softmaxCrossEntropy,
  type StepFunction,
} from '../src/index'
import { engines, get, int32, wave } from './engines'

/** An op with its parameters; ids, where it takes some, are [2, 0, 2]. */
type Op = (parameters: NamedTensors, ids: tf.Tensor) => tf.Tensor

const norm = { x: [3, 4], weight: [4], bias: [4] }
const cases: [string, Record<string, number[]>, Op][] = [
  ['layerNorm', norm, (p) => layerNorm(get(p, 'x'), { weight: get(p, 'weight'), bias: get(p, 'bias') })],
  ['rmsNorm', { x: [3, 4], weight: [4] }, (p) => rmsNorm(get(p, 'x'), { weight: get(p, 'weight') })],
  ...[true, false].map((training): [string, Record<string, number[]>, Op] => [
    `batchNorm, training ${training}`,
    norm,
    (p) => {
      const running = { mean: tf.tensor1d([0.5, 0, -1, 2]), variance: tf.tensor1d([1, 0.5, 2, 4]) }
      const options = { weight: get(p, 'weight'), bias: get(p, 'bias'), running, training }
      return batchNorm(get(p, 'x'), options).value
    },
  ]),
  ['gelu', { x: [7] }, (p) => gelu(get(p, 'x'))],
  ['gelu by tanh', { x: [7] }, (p) => gelu(get(p, 'x'), 'tanh')],
  ['silu', { x: [7] }, (p) => silu(get(p, 'x'))],
  ['softmax', { x: [2, 4] }, (p) => softmax(get(p, 'x'))],
  ['embedding', { table: [4, 2] }, (p, ids) => embedding(get(p, 'table'), ids)],
  [
    'linear',
    { x: [2, 3], weight: [4, 3], bias: [4] },
    (p) => linear(get(p, 'x'), get(p, 'weight'), get(p, 'bias')),
  ],
  ['dropout', { x: [9] }, (p) => dropout(get(p, 'x'), 0.4)],
  ...[0, 0.2].flatMap((labelSmoothing) =>
    (['mean', 'sum', 'none'] as const).map((reduction): [string, Record<string, number[]>, Op] => [
      `softmaxCrossEntropy, ${reduction}, smoothing ${labelSmoothing}`,
      { x: [3, 4] },
      // The first row is ignored as well where its label equals ignoreIndex.
      (p, ids) => softmaxCrossEntropy(get(p, 'x'), ids, { ignoreIndex: 0, labelSmoothing, reduction }),
    ]),
  ),
  [
    'softmaxCrossEntropy of one class',
    { x: [3, 1] },
    (p, ids) => softmaxCrossEntropy(get(p, 'x'), tf.zerosLike(ids)),
  ],
]

/** A scalar of the op's result in which every element weighs otherwise. */
const weigh = (y: tf.Tensor) => tf.sum(tf.mul(y, tf.tensor(wave(y.shape, 2), y.shape)))

describe.each(engines)('on the %s engine, by finite differences:', (_, engine) => {
  const ids = int32([2, 0, 2])
  const inputs = { ids: { shape: [3], dtype: 'int32' as const } }
  const run = { seed: 11 }

  /** Compares each parameter's gradient with differences of the same loss. */
  async function check(step: StepFunction, shapes: Record<string, number[]>, tolerance: number) {
    const store = engine.createStore(shapes, ['gradient'])
    for (const [index, [name, shape]] of Object.entries(shapes).entries())
      store.write(name, wave(shape, index))
    const names = Object.keys(shapes)
    const forward = await engine.compile(step, { inputs, parameters: store })
    const program = await engine.compile(step, {
      inputs,
      parameters: store,
      gradients: { of: 'loss', withRespectTo: names },
    })
    const { loss } = await program.run({ ids }, run)
    // The forward pass alone may use other kernels.
    expect(loss?.data).toBeAllClose((await lossOf(forward.run({ ids }, run))).data)
    for (const name of names) {
      const at = await store.read(name)
      const expected = await finiteDifference(async (point) => {
        store.write(name, point)
        return (await lossOf(forward.run({ ids }, run))).data[0]!
      }, at)
      store.write(name, at)
      const largest = Math.max(...expected.map(Math.abs))
      expect(await store.read(name, 'gradient')).toBeAllClose(expected, {
        absolute: tolerance * largest,
        relative: 0,
      })
    }
    await Promise.all([forward.dispose(), program.dispose()])
    store.dispose()
  }

  const lossOf = async (results: Promise<Record<string, HostTensor>>) => (await results).loss!

  it.each(cases)('%s', async (_, shapes, op) => {
    await check(
      ({ inputs, parameters }) => ({ loss: weigh(op(parameters, get(inputs, 'ids'))) }),
      shapes,
      2e-3,
    )
  })

  it('the loss of a label that is no class is no number', async () => {
    const store = engine.createStore({ x: [3, 4] })
    store.write('x', wave([3, 4], 1))
    const step: StepFunction = ({ inputs, parameters }) => ({
      loss: softmaxCrossEntropy(get(parameters, 'x'), get(inputs, 'ids')),
    })
    const program = await engine.compile(step, { inputs, parameters: store })
    const loss = lossOf(program.run({ ids: int32([2, -1, -100]) }, run))
    expect((await loss).data[0]).toBeNaN()
    await program.dispose()
    store.dispose()
  })

  /** A gradient penalty: the loss is made of a gradient, which then is differentiated itself. */
  const penalty =
    (op: Op): StepFunction =>
    ({ inputs, parameters }) => {
      const inner = tf.grad((x) => weigh(tf.square(op({ ...parameters, x }, get(inputs, 'ids')))))
      return { loss: weigh(inner(get(parameters, 'x'))) }
    }
  const cannot = /tanh|silu|softmax/
  const withX = cases.filter(([name, shapes]) => 'x' in shapes && name !== 'linear')

  it.each(withX.filter(([name]) => !cannot.test(name)))(
    'the gradient of the gradient of %s',
    async (_, shapes, op) => {
      await check(penalty(op), shapes, 1e-2)
    },
  )

  it.each(withX.filter(([name]) => cannot.test(name)))(
    'not the gradient of the gradient of %s',
    async (_, shapes, op) => {
      await expect(check(penalty(op), shapes, 1e-2)).rejects.toThrow(
        'called inside a gradient that is differentiated again, which TensorFlow.js gets wrong. Differentiate it once only.',
      )
    },
  )
})
