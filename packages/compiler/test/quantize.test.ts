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

/** The numbers that blocks stand for, [inner, columns]. */
function dequantize(matrix: Float32Array, layout: Parameters<typeof quantizeBlocks>[1]): Float32Array {
  const { inner, columns, bits } = layout
  const { values, scales } = quantizeBlocks(matrix, layout)
  const blocks = scales.length / columns
  return Float32Array.from({ length: inner * columns }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns]
    const block = column * blocks + Math.floor(row / 32)
    if (bits === 8) return (values[block * 32 + (row % 32)]! - 128) * scales[block]!
    const byte = values[block * 16 + ((row % 32) >> 1)]!
    return ((row % 2 === 0 ? byte & 15 : byte >> 4) - 8) * scales[block]!
  })
}

test.each([4, 8] as const)(
  'every weight of %i bits is within a step of its block, and the largest is exact',
  (bits) => {
    const property = fc.property(
      fc.nat(1e6),
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (seed, inner, columns, transposed) => {
        const { data } = normals([inner, columns], seed)
        const stored = dequantize(data, { inner, columns, transposed, bits })
        for (let column = 0; column < columns; column++) {
          for (let first = 0; first < inner; first += 32) {
            const rows = Array.from({ length: Math.min(32, inner - first) }, (_, row) => first + row)
            const real = rows.map((row) => data[transposed ? column * inner + row : row * columns + column]!)
            const largest = Math.max(...real.map(Math.abs))
            rows.forEach((row, index) => {
              const error = Math.abs(stored[row * columns + column]! - real[index]!)
              // On the side of the largest number's sign there is one level more than on the other.
              expect(error).toBeLessThanOrEqual((largest / 2 ** (bits - 1)) * 1.0001)
              if (Math.abs(real[index]!) === largest) expect(error).toBeLessThanOrEqual(1e-6 * largest)
            })
          }
        }
      },
    )
    fc.assert(property, { seed: 4, numRuns: 50 })
  },
)

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

/** What rows of 32 numbers each are rounded to before a product with blocks: 8 bits, ±127 the largest. */
function roundBlocks(data: Float32Array): Float32Array {
  const rounded = data.slice()
  for (let first = 0; first < data.length; first += 32) {
    const block = data.subarray(first, first + 32)
    const scale = Math.max(...block.map(Math.abs)) / 127
    block.forEach((value, index) => (rounded[first + index] = scale && Math.round(value / scale) * scale))
  }
  return rounded
}

/** x [rows, inner] · w [inner, columns], in doubles. */
function product(x: Float32Array, w: Float32Array, inner: number): Float32Array {
  const columns = w.length / inner
  return Float32Array.from({ length: (x.length / inner) * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns]
    let sum = 0
    for (let k = 0; k < inner; k++) sum += x[row * inner + k]! * w[k * columns + column]!
    return sum
  })
}

test.each([
  ['int4', 4, 3],
  ['int8Blocks', 8, 2],
] as const)(
  'a model of %s computes with the numbers that its blocks stand for',
  async (precision, bits, smaller) => {
    const program = traceProgram(layers, specs)
    const quantized = toOnnx(program, { weights: (name) => weights[name], precision })
    expect(quantized.length).toBeLessThan(
      toOnnx(program, { weights: (name) => weights[name] }).length / smaller,
    )
    const w1 = dequantize(weights.w1!, { inner: 32, columns: 64, transposed: true, bits })
    const w2 = dequantize(weights.w2!, { inner: 64, columns: 16, transposed: false, bits })
    for (const batch of [1, 8]) {
      const x = normals([batch, 3, 32], 20 + batch)
      const hidden = product(roundBlocks(x.data), w1, 32).map((value, at) =>
        Math.max(0, value + weights.b1![at % 64]!),
      )
      const expected = product(roundBlocks(hidden), w2, 64)
      const received = (await runModel(quantized, { x })).y!.data as Float32Array
      // A number between two steps may be rounded the other way, where sums are of another order.
      received.forEach((value, at) => expect(Math.abs(value - expected[at]!)).toBeLessThan(0.02))
      const off = received.filter((value, at) => Math.abs(value - expected[at]!) > 1e-4)
      expect(off.length).toBeLessThan(0.1 * received.length)
    }
  },
)

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
