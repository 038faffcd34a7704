import { tf } from '@tfx/compiler'
import { expect, it } from 'vitest'
import { createMemoryStore, createOnnxEngine } from '../src/index'
import { float32, get, int32 } from './engines'

const engine = createOnnxEngine({ threads: 1 })

it('a run makes no copies of the gradients that it writes in place', async () => {
  const store = createMemoryStore({ w: [1024, 1024] }, ['gradient'])
  const program = await engine.compile(
    ({ inputs, parameters }) => {
      const product = tf.matMul(get<tf.Rank.R2>(inputs, 'x'), get<tf.Rank.R2>(parameters, 'w'))
      return { product, loss: tf.sum(product) }
    },
    {
      inputs: { x: { shape: ['batch', 1024] } },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: ['w'] },
    },
  )
  const run = () => program.run({ x: float32(new Float32Array(2048).fill(1), [2, 1024]) })
  await run()
  const before = process.memoryUsage().arrayBuffers
  const { product } = await run()
  // The product is 8 kB, the gradient 4 MB.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000)
  expect(product?.data).toEqual(new Float32Array(2048))
  expect(store.view('w', 'gradient').every((element) => element === 2)).toBe(true)
  await program.dispose()
})

it('outputs of every type and shape arrive, each run in arrays of its own', async () => {
  const program = await engine.compile(
    ({ inputs }) => {
      const x = get<tf.Rank.R2>(inputs, 'x')
      return {
        whole: tf.cast(x, 'int32'),
        isLarge: tf.greater(x, 2),
        pairs: tf.concat([x, x], 0),
        empty: tf.slice(x, [0, 0], [-1, 0]),
      }
    },
    { inputs: { x: { shape: ['rows', 2] } } },
  )
  const first = await program.run({ x: float32([1.5, 2.5], [1, 2]) })
  await program.run({ x: float32([7, 7, 7, 7], [2, 2]) })
  expect(first).toEqual({
    whole: int32([1, 2], [1, 2]),
    isLarge: { dtype: 'bool', shape: [1, 2], data: Uint8Array.of(0, 1) },
    pairs: float32([1.5, 2.5, 1.5, 2.5], [2, 2]),
    empty: float32([], [1, 0]),
  })
  await program.dispose()
})

it('what fails in the computation is still an error', async () => {
  const program = await engine.compile(
    ({ inputs }) => ({ row: tf.gather(tf.ones([2, 2]), get<tf.Rank.R1>(inputs, 'id')) }),
    { inputs: { id: { shape: [1], dtype: 'int32' } } },
  )
  await expect(program.run({ id: int32([5]) })).rejects.toThrow('run: is refused by onnxruntime: ')
  expect((await program.run({ id: int32([1]) })).row?.data).toEqual(Float32Array.of(1, 1))
  await program.dispose()
})
