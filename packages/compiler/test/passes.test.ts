import { describe, expect, test } from 'vitest'
import { type GraphProgram, tf, toOnnx, type TraceableFunction, traceProgram } from '../src/index'
import { foldScales } from '../src/passes/fold-scales'
import { fuseBias } from '../src/passes/fuse-bias'
import { mergeProducts } from '../src/passes/merge-products'
import { expectSame, runEager, runModelOften } from './support/run'

type Tensors = Record<string, tf.Tensor>

const specs = { x: { shape: ['batch', 4] }, w: { shape: [4, 4] }, b: { shape: [4] } }
const sines = (...shape: number[]) => {
  const length = shape.reduce((product, size) => product * size, 1)
  return {
    dtype: 'float32' as const,
    shape,
    data: Float32Array.from({ length }, (_, index) => Math.sin(index * 1.3)),
  }
}

/** The ops after a pass, with the alpha of each product; the results are those of tfjs-cpu. */
async function opsAfter(
  pass: (program: GraphProgram) => GraphProgram,
  compute: TraceableFunction,
): Promise<string[]> {
  const before = traceProgram(compute, specs)
  const opsBefore = before.nodes.map(({ op }) => op)
  const after = pass(before)
  expect(before.nodes.map(({ op }) => op)).toEqual(opsBefore)
  const feeds = [1, 5].map((batch) => ({ x: sines(batch, 4), w: sines(4, 4), b: sines(4) }))
  const received = await runModelOften(toOnnx(after), feeds)
  feeds.forEach((feed, index) => {
    expectSame(received[index] ?? {}, runEager(compute, feed), { absolute: 1e-5, relative: 1e-5 })
  })
  return after.nodes.map(({ op, attributes }) => {
    const alpha = attributes.alpha as { float: number } | undefined
    return alpha === undefined ? op : `${op}(${alpha.float})`
  })
}

const product = (a: unknown, b: unknown, transposeB = false) =>
  tf.matMul(a as tf.Tensor, b as tf.Tensor, false, transposeB)
const half = (x: unknown) => tf.mul(x as tf.Tensor, 0.5)

describe('foldScales', () => {
  const folded: Record<string, [(tensors: Tensors) => Tensors, string[]]> = {
    'one product': [({ x, w }) => ({ y: product(half(x), w) }), ['Gemm(0.5)']],
    'a transposed product': [({ x, w }) => ({ y: product(half(x), w, true) }), ['Gemm(0.5)']],
    'the second operand': [({ x, w }) => ({ y: product(x, half(w)) }), ['Gemm(0.5)']],
    'both operands': [({ x, w }) => ({ y: product(half(x), tf.mul(w as tf.Tensor, 3)) }), ['Gemm(1.5)']],
    'one value as both operands': [({ w }) => ({ y: product(half(w), half(w), true) }), ['Gemm(0.25)']],
    'several products': [
      ({ x, w }) => ({ y: product(half(x), w), z: product(half(x), w, true) }),
      ['Gemm(0.5)', 'Gemm(0.5)'],
    ],
    'a product after a view': [
      ({ x, w }) => ({ y: product(tf.transpose(half(w)), w), z: tf.exp(x as tf.Tensor) }),
      ['Transpose', 'Gemm(0.5)', 'Exp'],
    ],
    'batches of products': [
      ({ x }) => ({
        y: product(tf.reshape(half(x), [-1, 1, 4]), tf.reshape(x as tf.Tensor, [-1, 1, 4]), true),
      }),
      ['Reshape', 'Reshape', 'FusedMatMul(0.5)'],
    ],
    'a scaled product in another product': [
      ({ x, w }) => ({ y: product(half(product(half(x), w)), w) }),
      ['Gemm(0.5)', 'Gemm(0.5)'],
    ],
  }
  test.each(Object.entries(folded))('into %s', async (_, [compute, expected]) => {
    expect(await opsAfter(foldScales, compute)).toEqual(expected)
  })

  const kept: Record<string, [(tensors: Tensors) => Tensors, string[]]> = {
    'something else takes the value': [
      ({ x, w }) => ({ y: product(half(x), w), z: tf.exp(half(x)) }),
      ['Mul', 'MatMul', 'Exp'],
    ],
    'something else takes it after a view': [
      ({ x, w }) => ({ y: product(half(x), w), z: tf.exp(tf.reshape(half(x), [-1])) }),
      ['Mul', 'MatMul', 'Reshape', 'Exp'],
    ],
    'it is an output': [({ x, w }) => ({ y: product(half(x), w), z: half(x) }), ['Mul', 'MatMul']],
    'the factor is 0, which would hide a NaN': [
      ({ x, w }) => ({ y: product(tf.mul(x as tf.Tensor, 0), w) }),
      ['Mul', 'MatMul'],
    ],
    'the factor depends on a size': [
      ({ x, w }) => ({ y: product(tf.div(x as tf.Tensor, (x as tf.Tensor).shape[0]), w) }),
      ['Mul', 'MatMul'],
    ],
    'the factor is no single number': [
      ({ x, w, b }) => ({ y: product(tf.mul(x as tf.Tensor, b as tf.Tensor), w) }),
      ['Mul', 'MatMul'],
    ],
  }
  test.each(Object.entries(kept))('not where %s', async (_, [compute, expected]) => {
    expect(await opsAfter(foldScales, compute)).toEqual(expected)
  })

  test('scales of operands do not touch the bias of a product', async () => {
    const compute = ({ x, w, b }: Tensors) => ({ y: tf.add(product(half(x), w), b as tf.Tensor) })
    expect(await opsAfter((program) => fuseBias(foldScales(program)), compute)).toEqual(['Gemm(0.5)'])
    // A product that has its bias already is left alone.
    expect(await opsAfter((program) => foldScales(fuseBias(program)), compute)).toEqual(['Mul', 'Gemm'])
  })
})

describe('fuseBias', () => {
  const fused: Record<string, (tensors: Tensors) => Tensors> = {
    'after the product': ({ x, w, b }) => ({ y: tf.add(product(x, w), b as tf.Tensor) }),
    'before the product': ({ x, w, b }) => ({ y: tf.add(b as tf.Tensor, product(x, w, true)) }),
    'that is an array': ({ x, w }) => ({ y: tf.add(product(x, w), tf.tensor1d([1, 2, 3, 4])) }),
  }
  test.each(Object.entries(fused))('a bias %s', async (_, compute) => {
    expect(await opsAfter(fuseBias, compute)).toEqual(['Gemm'])
  })

  const kept: Record<string, [(tensors: Tensors) => Tensors, string[]]> = {
    'the product is used twice': [
      ({ x, w, b }) => ({ y: tf.add(product(x, w), b as tf.Tensor), z: tf.exp(product(x, w)) }),
      ['MatMul', 'Add', 'Exp'],
    ],
    'the product is an output': [
      ({ x, w, b }) => ({ y: tf.add(product(x, w), b as tf.Tensor), z: product(x, w) }),
      ['MatMul', 'Add'],
    ],
    'a whole matrix is added': [({ w }) => ({ y: tf.add(product(w, w), w as tf.Tensor) }), ['MatMul', 'Add']],
    'one number is added to every column': [
      ({ x, w }) => ({ y: tf.add(product(x, w), tf.tensor1d([3])) }),
      ['MatMul', 'Add'],
    ],
    'there are more than two axes': [
      ({ x, w, b }) => ({
        y: tf.add(
          product(tf.reshape(x as tf.Tensor, [1, -1, 4]), tf.reshape(w as tf.Tensor, [1, 4, 4])),
          b as tf.Tensor,
        ),
      }),
      ['Reshape', 'Reshape', 'MatMul', 'Add'],
    ],
    'the numbers are integers': [
      ({ w, b }) => {
        const matrix = tf.cast(tf.mul(w as tf.Tensor, 9), 'int32')
        return { y: tf.add(product(matrix, matrix), tf.cast(tf.mul(b as tf.Tensor, 9), 'int32')) }
      },
      ['Mul', 'Cast', 'MatMul', 'Mul', 'Cast', 'Add'],
    ],
  }
  test.each(Object.entries(kept))('not where %s', async (_, [compute, expected]) => {
    expect(await opsAfter(fuseBias, compute)).toEqual(expected)
  })
})

describe('mergeProducts', () => {
  const shapes = {
    x: { shape: ['batch', 4] },
    wide: { shape: [3, 4] },
    narrow: { shape: [2, 4] },
    fed: { shape: [2, 4] },
    a: { shape: [3] },
    b: { shape: [2] },
  }
  const values: Record<string, Float32Array> = {
    wide: sines(3, 4).data,
    narrow: sines(2, 4).data.map((value) => value + 1),
    a: sines(3).data,
    b: sines(2).data.map((value) => value - 1),
  }
  const relu = (x: tf.Tensor) => tf.relu(x)
  const cases: Record<string, [(tensors: Tensors) => Tensors, string[]]> = {
    'products of one matrix become one': [
      ({ x, wide, narrow }) => ({ y: relu(product(x, wide, true)), z: relu(product(x, narrow, true)) }),
      ['Gemm', 'Split', 'Relu', 'Relu'],
    ],
    'with their biases': [
      ({ x, wide, narrow, a, b }) => ({
        y: relu(tf.add(product(x, wide, true), a as tf.Tensor)),
        z: relu(tf.add(product(x, narrow, true), b as tf.Tensor)),
      }),
      ['Gemm', 'Split', 'Relu', 'Relu'],
    ],
    'a weight that is fed stays apart': [
      ({ x, wide, fed }) => ({ y: relu(product(x, wide, true)), z: relu(product(x, fed, true)) }),
      ['Gemm', 'Relu', 'Gemm', 'Relu'],
    ],
    'so does one with a bias beside one without': [
      ({ x, wide, narrow, a }) => ({
        y: relu(tf.add(product(x, wide, true), a as tf.Tensor)),
        z: relu(product(x, narrow, true)),
      }),
      ['Gemm', 'Relu', 'Gemm', 'Relu'],
    ],
    'so does a weight that has another use': [
      ({ x, wide, narrow }) => ({
        y: relu(product(x, wide, true)),
        z: relu(product(x, narrow, true)),
        w: tf.exp(narrow as tf.Tensor),
      }),
      ['Gemm', 'Relu', 'Gemm', 'Relu', 'Exp'],
    ],
    'so does a product of another matrix': [
      ({ x, wide, narrow }) => ({
        y: relu(product(x, wide, true)),
        z: relu(product(tf.exp(x as tf.Tensor), narrow, true)),
      }),
      ['Gemm', 'Relu', 'Exp', 'Gemm', 'Relu'],
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, [compute, ops]) => {
    const program = traceProgram(compute, shapes)
    const merged = mergeProducts(fuseBias(program), (name) => values[name])
    expect(merged.program.nodes.map(({ op }) => op)).toEqual(ops)
    const weights = (name: string) => values[name]
    const model = toOnnx(program, { weights, mergeNodes: true })
    const feeds = [1, 5].map((batch) => ({ x: sines(batch, 4), fed: sines(2, 4) }))
    const fed = feeds.map(({ x, fed }) =>
      program.inputs.some(({ name }) => name === 'fed') ? { x, fed } : { x },
    )
    const stored = Object.fromEntries(
      Object.entries(values).map(([name, data]) => [
        name,
        { dtype: 'float32' as const, shape: shapes[name as 'a'].shape, data },
      ]),
    )
    const received = await runModelOften(model, fed)
    feeds.forEach((feed, index) => {
      const expected = runEager(compute, { ...stored, ...feed })
      expectSame(received[index] ?? {}, expected, { absolute: 1e-5, relative: 1e-5 })
    })
  })
})
