import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tf, toOnnx, type TraceableFunction, traceProgram } from '../src/index'
import { expectSame, runEager, runModel } from './support/run'

type Tensors = Record<'x' | 'y', tf.Tensor>

const specs = { x: { shape: [3, 3] }, y: { shape: [3, 3] } }
const opsOf = (compute: (tensors: Tensors) => tf.Tensor) =>
  traceProgram((inputs) => ({ result: compute(inputs as Tensors) }), specs).nodes.map(({ op }) => op)

describe('while recording', () => {
  const rules: Record<string, [(tensors: Tensors) => tf.Tensor, string[]]> = {
    'adding 0': [({ x }) => tf.add(tf.sub(tf.add(0, x), 0), 0), []],
    'multiplying with 1': [({ x }) => tf.pow(tf.div(tf.mul(tf.mul(1, x), 1), 1), 1), []],
    'multiplying with 0 is kept, for x may be infinite': [({ x }) => tf.mul(x, 0), ['Mul']],
    'numbers are computed': [({ x }) => tf.add(x, tf.sqrt(tf.mul(tf.add(1, 1), tf.neg(-8)))), ['Add']],
    'two scales become one': [({ x }) => tf.mul(0.5, tf.mul(tf.mul(x, 2), 3)), ['Mul']],
    'two scales that cancel': [({ x }) => tf.div(tf.mul(x, 4), 4), []],
    'two scales stay where one would overflow': [({ x }) => tf.mul(tf.mul(x, 1e30), 1e30), ['Mul', 'Mul']],
    'a division becomes a product': [({ x }) => tf.div(x, 4), ['Mul']],
    'a division by a tiny number stays': [({ x }) => tf.div(x, 1e-38), ['Div']],
    squares: [({ x }) => tf.pow(x, 2), ['Mul']],
    'square roots': [({ x }) => tf.pow(x, 0.5), ['Sqrt']],
    'equal nodes are one': [({ x }) => tf.add(tf.exp(x), tf.sin(tf.exp(x))), ['Exp', 'Sin', 'Add']],
    'constants that differ in the sign of 0 are two': [
      ({ x }) => tf.add(tf.div(x, tf.mul(x, 0)), tf.div(x, tf.mul(x, -0))),
      ['Mul', 'Div', 'Mul', 'Div', 'Add'],
    ],
    'reshapes collapse': [
      ({ x }) => tf.exp(tf.reshape(tf.reshape(tf.reshape(x, [9]), [1, 9]), [9, 1])),
      ['Reshape', 'Exp'],
    ],
    'a reshape back': [({ x }) => tf.reshape(tf.reshape(x, [9]), [3, 3]), []],
    'transposes collapse': [({ x }) => tf.transpose(tf.transpose(x)), []],
    'broadcasts are left to the op': [
      ({ x }) => tf.mul(x, tf.broadcastTo(tf.sum(x, 0, true), [3, 3])),
      ['ReduceSum', 'Mul'],
    ],
    'elementwise ops come before a broadcast': [
      ({ x }) => tf.mul(x, tf.exp(tf.tile(tf.sum(x, 0, true), [3, 1]))),
      ['ReduceSum', 'Exp', 'Mul'],
    ],
    'a whole slice': [({ x }) => tf.slice(x, [0, 0], [3, 3]), []],
    'sums of a constant': [({ x }) => tf.add(x, tf.sum(tf.mul(tf.ones([2, 3]), 0.5))), ['Add']],
    'empty paddings, single pieces, reductions over nothing': [
      ({ x }) =>
        tf.sum(
          tf.concat([
            tf.pad(x, [
              [0, 0],
              [0, 0],
            ]),
          ]),
          [],
        ),
      [],
    ],
    'casts to the same type': [({ x }) => tf.cast(tf.cast(x, 'float32'), 'float32'), []],
    'what no output needs is dropped': [({ x, y }) => (tf.sin(y), tf.exp(x)), ['Exp']],
  }

  test.each(Object.entries(rules))('%s', (_, [compute, expected]) => {
    expect(opsOf(compute)).toEqual(expected)
  })

  test('infinities and zeros survive the rules', async () => {
    const compute: TraceableFunction = ({ x }) => {
      const given = x!
      return {
        scales: tf.mul(tf.mul(given, 1e30), 1e30),
        zero: tf.mul(given, 0),
        reciprocal: tf.div(given, 1e-38),
        huge: tf.div(given, 3e38),
        byZero: tf.div(given, 0),
        byInfinity: tf.div(given, Infinity),
      }
    }
    const x = {
      dtype: 'float32' as const,
      shape: [6],
      data: Float32Array.of(0, Infinity, -Infinity, NaN, 1e-5, 3e38),
    }
    const model = toOnnx(traceProgram(compute, { x: { shape: [6] } }))
    expectSame(await runModel(model, { x }), runEager(compute, { x }), { absolute: 0, relative: 1e-6 })
  })
})

interface Step {
  op: string
  a: number
  b: number
  scale: number
}

const operations: Record<string, (a: tf.Tensor, b: tf.Tensor, scale: number) => tf.Tensor> = {
  add: tf.add,
  subtract: tf.sub,
  multiply: tf.mul,
  scale: (a, _, scale) => tf.mul(a, scale),
  divide: (a, _, scale) => tf.div(a, scale === 0 ? 1 : scale),
  shift: (a, _, scale) => tf.add(a, scale),
  product: (a, b) => tf.matMul(a, b),
  transposedProduct: (a, b) => tf.matMul(a, b, false, true),
  square: (a) => tf.matMul(a, a, true, false),
  bias: (a) => tf.add(a, tf.tensor([0.5, -0.25, 1])),
  transpose: (a) => tf.transpose(a),
  reshape: (a, b) => tf.reshape(tf.add(tf.reshape(a, [9]), tf.reshape(b, [9])), [3, 3]),
  centre: (a) => tf.sub(a, tf.mean(a, 1, true)),
  squash: (a) => tf.tanh(a),
  softmax: (a) => tf.softmax(a),
  repeat: (a) => tf.tile(tf.max(a, 0, true), [3, 1]),
  gather: (a) => tf.gather(a, tf.tensor1d([2, 0, 0], 'int32')),
  batched: (a, b, scale) =>
    tf.squeeze(tf.matMul(tf.expandDims(tf.mul(a, scale), 0), tf.expandDims(b, 0), false, true), [0]),
}

/** A random program: each step takes two of the values before it; its last values are the outputs. */
const programOf =
  (steps: readonly Step[]): TraceableFunction =>
  ({ x, y }) => {
    const values = [x, y] as tf.Tensor[]
    for (const { op, a, b, scale } of steps) {
      const pick = (index: number) => values[index % values.length]!
      // Kept near 1, so that one tolerance serves all.
      const result = operations[op]!(pick(a), pick(b), scale)
      values.push(op.toLowerCase().includes('product') || op === 'square' ? tf.div(result, 4) : result)
    }
    return Object.fromEntries(values.slice(-3).map((value, index) => [`output${index}`, tf.tanh(value)]))
  }

const step = fc.record<Step>({
  op: fc.constantFrom(...Object.keys(operations)),
  a: fc.nat(20),
  b: fc.nat(20),
  scale: fc.constantFrom(0.5, -1, 0, 1, 2, 0.125),
})

test('random programs compute what tfjs-cpu computes', async () => {
  const matrix = (phase: number) => ({
    dtype: 'float32' as const,
    shape: [3, 3],
    data: Float32Array.from({ length: 9 }, (_, index) => Math.sin(index * 2.1 + phase)),
  })
  const feeds = { x: matrix(0), y: matrix(1) }
  const property = fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), async (steps) => {
    const compute = programOf(steps)
    const received = await runModel(toOnnx(traceProgram(compute, specs)), feeds)
    expectSame(received, runEager(compute, feeds), { absolute: 2e-5, relative: 1e-4 })
  })
  await fc.assert(property, { seed: 20261123, numRuns: 120 })
})

test('and so do their gradients', async () => {
  const data = Float32Array.from({ length: 9 }, (_, index) => Math.cos(index * 1.1))
  const feeds = {
    x: { dtype: 'float32' as const, shape: [3, 3], data },
    y: { dtype: 'float32' as const, shape: [3, 3], data },
  }
  const property = fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
    const compute: TraceableFunction = (inputs) => {
      const loss = (x: tf.Tensor, y: tf.Tensor) => {
        const outputs = Object.values(programOf(steps)({ x, y }))
        // Every program depends on both, so that both have gradients.
        return tf.sum(tf.addN([...outputs, tf.mul(x, y)]))
      }
      const [dx, dy] = tf.grads(loss)([inputs.x, inputs.y] as tf.Tensor[])
      return { dx: dx!, dy: dy! }
    }
    const received = await runModel(toOnnx(traceProgram(compute, specs)), feeds)
    expectSame(received, runEager(compute, feeds), { absolute: 1e-4, relative: 1e-3 })
  })
  await fc.assert(property, { seed: 20261123, numRuns: 60 })
})
