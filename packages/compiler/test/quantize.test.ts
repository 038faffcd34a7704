import { createRandom } from '@tfx/common'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tf, toOnnx, type TraceableFunction, traceProgram } from '../src/index'
import { quantizeMatrix } from '../src/onnx/quantize'
import { expectSame, runModel } from './support/run'

function normals(shape: number[], seed: number) {
  const random = createRandom(seed)
  const length = shape.reduce((product, size) => product * size, 1)
  return { dtype: 'float32' as const, shape, data: Float32Array.from({ length }, () => random.normal()) }
}

test('every weight is within half a step of its column', () => {
  const property = fc.property(
    fc.nat(1e6),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 6 }),
    fc.boolean(),
    (seed, inner, columns, transposed) => {
      const { data } = normals([inner, columns], seed)
      const { values, scales } = quantizeMatrix(data, { inner, columns, transposed })
      for (let row = 0; row < inner; row++) {
        for (let column = 0; column < columns; column++) {
          const real = data[transposed ? column * inner + row : row * columns + column]!
          const stored = values[row * columns + column]!
          const scale = scales[column]!
          expect(Math.abs(stored)).toBeLessThanOrEqual(63)
          expect(Math.abs(stored * scale - real)).toBeLessThanOrEqual(scale * 0.5001)
        }
      }
    },
  )
  fc.assert(property, { seed: 3, numRuns: 50 })
})

test('a column of zeros stays zero', () => {
  const { values, scales } = quantizeMatrix(new Float32Array(6), { inner: 3, columns: 2, transposed: false })
  expect([...values, ...scales]).toEqual([0, 0, 0, 0, 0, 0, 1, 1])
})

/** Two layers: a Gemm with bias and a product of three axes. */
const layers: TraceableFunction = ({ x, w1, b1, w2 }) => {
  const hidden = tf.relu(tf.add(tf.matMul(tf.reshape(x!, [-1, 32]), w1!, false, true), b1!))
  const cube = tf.reshape(hidden, [x!.shape[0], 3, 64])
  return { y: tf.reshape(tf.matMul(tf.reshape(cube, [-1, 64]), w2!), [-1, 3, 16]) }
}
const specs = {
  x: { shape: ['batch', 3, 32] },
  w1: { shape: [64, 32] },
  b1: { shape: [64] },
  w2: { shape: [64, 16] },
}
const weights: Record<string, Float32Array> = {
  w1: normals([64, 32], 1).data.map((value) => value / Math.sqrt(32)),
  b1: normals([64], 2).data.map((value) => value / 10),
  w2: normals([64, 16], 3).data.map((value) => value / 8),
}

test('a quantized model is a quarter of the size and off by at most 3 % of the largest output', async () => {
  const program = traceProgram(layers, specs)
  const stored = { weights: (name: string) => weights[name] }
  const plain = toOnnx(program, stored)
  const quantized = toOnnx(program, { ...stored, quantize: 'int8' })
  const weightBytes = 4 * (64 * 32 + 64 * 16)
  expect(plain.length - quantized.length).toBeGreaterThan(0.75 * weightBytes - 2500)
  for (const batch of [1, 8]) {
    const x = normals([batch, 3, 32], 10 + batch)
    const expected = (await runModel(plain, { x })).y?.data as Float32Array
    const received = (await runModel(quantized, { x })).y?.data as Float32Array
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const worst = expected.reduce(
      (most, value, index) => Math.max(most, Math.abs(value - received[index]!)),
      0,
    )
    expect(worst).toBeLessThan(0.03 * largest)
    // Not the float model by another name.
    expect(worst).toBeGreaterThan(1e-4 * largest)
  }
})

test('products whose weights are fed stay as they are', async () => {
  const program = traceProgram(layers, specs)
  expect(toOnnx(program, { quantize: 'int8' })).toEqual(toOnnx(program))
})

test('one weight in two products is stored once', async () => {
  const twice: TraceableFunction = ({ x, w }) => ({
    y: tf.matMul(tf.relu(tf.matMul(x!, w!)), w!),
    z: tf.matMul(x!, w!, false, true),
  })
  const w = normals([64, 64], 5)
  const program = traceProgram(twice, { x: { shape: [2, 64] }, w: { shape: [64, 64] } })
  const model = toOnnx(program, { weights: (name) => (name === 'w' ? w.data : undefined), quantize: 'int8' })
  expect(model.length).toBeLessThan(2 * 64 * 64 + 3000)
  const x = normals([2, 64], 6)
  const received = await runModel(model, { x })
  const expected = await runModel(toOnnx(program), { x, w })
  const scale = Math.max(...(expected.y?.data ?? []), ...(expected.z?.data ?? []))
  expectSame(received, expected, { absolute: 0.05 * scale, relative: 0 })
})
