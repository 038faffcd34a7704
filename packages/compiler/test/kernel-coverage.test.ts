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
  // A dropout mask has no values to compare; it is tested below.
  const tested = [...tables.flatMap((table) => Object.keys(table)), 'TfxDropoutMask']
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

test('TfxDropoutMask asks to be fed a mask of its shape, another one for every call', () => {
  const mask = (x: tf.Tensor, rate: number) =>
    tf.mul(x, tf.engine().runKernel('TfxDropoutMask', {}, { shape: x.shape, rate }) as unknown as tf.Tensor)
  const { inputs } = finish(trace(({ x }) => ({ y: mask(mask(x!, 0.1), 0.25) }), { x: { shape: [2, 3] } }))
  expect(inputs.map(({ name, shape, dropoutRate }) => [name, shape, dropoutRate])).toEqual([
    ['x', [2, 3], undefined],
    ['dropout_mask_0', [2, 3], 0.1],
    ['dropout_mask_1', [2, 3], 0.25],
  ])
})
