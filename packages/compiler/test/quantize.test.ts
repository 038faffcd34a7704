import { createRandom } from '@tfx/common'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tf, toOnnx, type TraceableFunction, traceProgram } from '../src/index'
import { quantizeBlocks, quantizeMatrix } from '../src/onnx/quantize'
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

/** The numbers that 4-bit blocks stand for, [inner, columns]. */
function dequantize(matrix: Float32Array, layout: Parameters<typeof quantizeBlocks>[1]): Float32Array {
  const { inner, columns } = layout
  const { values, scales } = quantizeBlocks(matrix, layout)
  const blocks = scales.length / columns
  return Float32Array.from({ length: inner * columns }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns]
    const block = column * blocks + Math.floor(row / 32)
    const byte = values[block * 16 + ((row % 32) >> 1)]!
    return ((row % 2 === 0 ? byte & 15 : byte >> 4) - 8) * scales[block]!
  })
}

test('every weight of 4 bits is within a step of its block, and the largest is exact', () => {
  const property = fc.property(
    fc.nat(1e6),
    fc.integer({ min: 1, max: 70 }),
    fc.integer({ min: 1, max: 3 }),
    fc.boolean(),
    (seed, inner, columns, transposed) => {
      const { data } = normals([inner, columns], seed)
      const stored = dequantize(data, { inner, columns, transposed })
      for (let column = 0; column < columns; column++) {
        for (let first = 0; first < inner; first += 32) {
          const rows = Array.from({ length: Math.min(32, inner - first) }, (_, row) => first + row)
          const real = rows.map((row) => data[transposed ? column * inner + row : row * columns + column]!)
          const largest = Math.max(...real.map(Math.abs))
          rows.forEach((row, index) => {
            const error = Math.abs(stored[row * columns + column]! - real[index]!)
            // On the side of the largest number's sign there is one level more than on the other.
            expect(error).toBeLessThanOrEqual((largest / 8) * 1.0001)
            if (Math.abs(real[index]!) === largest) expect(error).toBeLessThanOrEqual(1e-6 * largest)
          })
        }
      }
    },
  )
  fc.assert(property, { seed: 4, numRuns: 50 })
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
  const quantized = toOnnx(program, { ...stored, precision: 'int8' })
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

test('a model of 4-bit weights computes with the numbers that they stand for', async () => {
  const program = traceProgram(layers, specs)
  const quantized = toOnnx(program, { weights: (name) => weights[name], precision: 'int4' })
  expect(quantized.length).toBeLessThan(toOnnx(program, { weights: (name) => weights[name] }).length / 3)
  const w1 = dequantize(weights.w1!, { inner: 32, columns: 64, transposed: true })
  const rounded: Record<string, Float32Array> = {
    ...weights,
    // [inner, columns], but w1 is stored as [columns, inner].
    w1: Float32Array.from(w1, (_, index) => w1[(index % 32) * 64 + Math.floor(index / 32)]!),
    w2: dequantize(weights.w2!, { inner: 64, columns: 16, transposed: false }),
  }
  const reference = toOnnx(program, { weights: (name) => rounded[name] })
  for (const batch of [1, 8]) {
    const x = normals([batch, 3, 32], 20 + batch)
    expectSame(await runModel(quantized, { x }), await runModel(reference, { x }), {
      absolute: 1e-5,
      relative: 1e-5,
    })
  }
})

test('products whose weights are fed stay as they are', async () => {
  const program = traceProgram(layers, specs)
  expect(toOnnx(program, { precision: 'int8' })).toEqual(toOnnx(program))
})

test('one weight in two products is stored once', async () => {
  const twice: TraceableFunction = ({ x, w }) => ({
    y: tf.matMul(tf.relu(tf.matMul(x!, w!)), w!),
    z: tf.matMul(x!, w!, false, true),
  })
  const w = normals([64, 64], 5)
  const program = traceProgram(twice, { x: { shape: [2, 64] }, w: { shape: [64, 64] } })
  const model = toOnnx(program, { weights: (name) => (name === 'w' ? w.data : undefined), precision: 'int8' })
  expect(model.length).toBeLessThan(2 * 64 * 64 + 3000)
  const x = normals([2, 64], 6)
  const received = await runModel(model, { x })
  const expected = await runModel(toOnnx(program), { x, w })
  const scale = Math.max(...(expected.y?.data ?? []), ...(expected.z?.data ?? []))
  expectSame(received, expected, { absolute: 0.05 * scale, relative: 0 })
})
