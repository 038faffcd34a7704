import { createRandom } from '@tfx/common'
import { expect, test } from 'vitest'
import { tf, toOnnx, type TraceableFunction, traceProgram } from '../src/index'
import { expectSame, runModel } from './support/run'

const random = createRandom(1)
const normals = (...shape: number[]) => {
  const length = shape.reduce((product, size) => product * size, 1)
  return { dtype: 'float32' as const, shape, data: Float32Array.from({ length }, () => random.normal()) }
}

/** A number beyond half precision, a cast inside, integers, and a result that depends on a size. */
const compute: TraceableFunction = ({ x, keep, w }) => {
  const bias = tf.mul(tf.sub(tf.cast(keep!, 'float32'), 1), 1e9)
  const scores = tf.softmax(tf.add(tf.matMul(x!, w!), bias))
  return { scores, mean: tf.mean(scores), count: tf.sum(keep!) }
}
const weight = normals(64, 16)
const program = traceProgram(compute, {
  x: { shape: ['batch', 64] },
  keep: { shape: ['batch', 16], dtype: 'int32' },
  w: { shape: [64, 16] },
})
const weights = (name: string) => (name === 'w' ? weight.data : undefined)

test('a model in half precision takes and gives float32, and computes nearly the same', async () => {
  const half = toOnnx(program, { weights, precision: 'float16' })
  const whole = toOnnx(program, { weights })
  expect(whole.length - half.length).toBeGreaterThan(64 * 16 * 2 - 600)
  for (const batch of [1, 5]) {
    const keep = { dtype: 'int32' as const, shape: [batch, 16], data: new Int32Array(batch * 16).fill(1) }
    keep.data[3] = 0
    const feeds = { x: normals(batch, 64), keep }
    const [received, expected] = [await runModel(half, feeds), await runModel(whole, feeds)]
    expect(received.scores?.dtype).toBe('float32')
    expect(received.scores?.data[3]).toBe(0)
    expectSame(received, expected, { absolute: 1e-2, relative: 1e-2 })
    // Not the whole model by another name.
    expect(received.scores?.data).not.toEqual(expected.scores?.data)
  }
})
