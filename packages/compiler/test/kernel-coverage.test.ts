import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { finish, kernels, tf, trace } from '../src/index'
import { attentionContracts } from './contracts/attention'
import { elementwiseContracts } from './contracts/elementwise'
import { fusedContracts } from './contracts/fused'
import { linearContracts } from './contracts/linear'
import { reductionContracts } from './contracts/reduction'
import { shapeContracts } from './contracts/shape'

const tables = [
  ...[elementwiseContracts, shapeContracts, reductionContracts, linearContracts],
  ...[fusedContracts, attentionContracts],
]

test('every kernel has a contract', () => {
  // What is drawn has no values to compare; it is tested below.
  const tested = [...tables.flatMap((table) => Object.keys(table)), 'TfxDropoutMask', 'TfxUniform']
  expect(tested.sort()).toEqual(Object.keys(kernels).sort())
})

test('the README lists every kernel', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, listed] = /<!-- kernels -->\n([^<]*)<!-- \/kernels -->/.exec(readme) ?? []
  const names = listed?.match(/\w+/g)
  expect(names).toEqual(
    Object.keys(kernels)
      .filter((name) => !name.startsWith('Tfx'))
      .sort(),
  )
})

test('TfxDropoutMask and TfxUniform ask to be fed numbers of their shape, others for every call', () => {
  const drawn = (x: tf.Tensor, kernel: string, attributes: { rate?: number } = {}) =>
    tf.mul(x, tf.engine().runKernel(kernel, {}, { shape: x.shape, ...attributes }) as unknown as tf.Tensor)
  const mask = (x: tf.Tensor, rate: number) => drawn(x, 'TfxDropoutMask', { rate })
  const { inputs } = finish(
    trace(({ x }) => ({ y: drawn(mask(mask(x!, 0.1), 0.25), 'TfxUniform') }), { x: { shape: [2, 3] } }),
  )
  expect(inputs.map(({ name, shape, random }) => [name, shape, random])).toEqual([
    ['x', [2, 3], undefined],
    ['dropout_mask_0', [2, 3], { kind: 'mask', rate: 0.1 }],
    ['dropout_mask_1', [2, 3], { kind: 'mask', rate: 0.25 }],
    ['uniform_2', [2, 3], { kind: 'uniform' }],
  ])
})
