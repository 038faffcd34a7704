import { isTfxError } from '@tfx/common'
import { expect, test } from 'vitest'
import { finish, tf, toOnnx, trace, type TraceableFunction, traceProgram, unify } from '../src/index'
import { expectSame, runEager, runModelOften } from './support/run'

const random = (shape: number[]) => {
  const length = shape.reduce((product, size) => product * size, 1)
  return {
    dtype: 'float32' as const,
    shape,
    data: Float32Array.from({ length }, (_, index) => Math.sin(index * 1.7)),
  }
}

/** Runs a program with one input x [batch, sequence] at several sizes, against tfjs-cpu. */
async function expectDynamic(compute: TraceableFunction): Promise<void> {
  const program = traceProgram(compute, { x: { shape: ['batch', 'sequence'] } })
  const feeds = [
    [1, 1],
    [1, 6],
    [4, 1],
    [6, 9],
  ].map((shape) => ({ x: random(shape) }))
  const received = await runModelOften(toOnnx(program), feeds)
  feeds.forEach((feed, index) => expectSame(received[index] ?? {}, runEager(compute, feed)))
}

function failure(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (isTfxError(error)) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

const at = (compute: TraceableFunction, batch: number) => finish(trace(compute, { x: { shape: [batch, 2] } }))

test.each<[string, TraceableFunction]>([
  ['reshapes to a product of axes', ({ x }) => ({ y: tf.reshape(tf.exp(x!), [-1]) })],
  ['position ids', ({ x }) => ({ y: tf.add(x!, tf.range(0, x!.shape[1]!)) })],
  [
    'sizes counted down',
    ({ x }) => ({
      y: tf.pad(x as tf.Tensor2D, [
        [0, 0],
        [0, 1 + x!.shape[1]!],
      ]),
    }),
  ],
  [
    'a causal mask',
    ({ x }) => {
      const positions = tf.range(0, x!.shape[1]!, 1, 'int32')
      const isBefore = tf.lessEqual(tf.expandDims(positions, 0), tf.expandDims(positions, 1))
      return { y: tf.where(isBefore, tf.expandDims(x!, 1), -1e9) }
    },
  ],
  [
    'a mean, which divides by a size',
    ({ x }) => ({ y: tf.grad((x: tf.Tensor) => tf.mean(tf.square(x)))(x!) }),
  ],
  [
    'a product of many numbers, some of them made of sizes',
    ({ x }) => {
      const scales = [0.1, 1 / 3, x!.shape[0], 0.7, 1 / x!.shape[1]!, 1.3, 1 / 7]
      return { y: scales.reduce<tf.Tensor>((product, scale) => tf.mul(product, scale), x!) }
    },
  ],
  ['a number made of a size', ({ x }) => ({ y: tf.mul(x!, x!.shape[0]) })],
  [
    'an integer made of a size',
    ({ x }) => ({ y: tf.mul(tf.cast(x!, 'int32'), tf.scalar(x!.shape[1]! - 1, 'int32')) }),
  ],
  ['a number of a size less one', ({ x }) => ({ y: tf.mul(x!, x!.shape[1]! - 1) })],
  ['the last row of each', ({ x }) => ({ y: tf.slice(x as tf.Tensor2D, [0, x!.shape[1]! - 1], [-1, 1]) })],
  ['a splat of a symbolic shape', ({ x }) => ({ y: tf.concat([x!, tf.onesLike(x!)], 1) })],
])('runs at any size: %s', async (_, compute) => {
  await expectDynamic(compute)
})

test('an array that was computed from a size is refused', () => {
  const compute: TraceableFunction = ({ x }) => {
    const length = x!.shape[0]
    return { y: tf.add(x!, tf.tensor(Array.from({ length }, (_, index) => [index / length]))) }
  }
  expect(failure(() => traceProgram(compute, { x: { shape: ['batch', 3] } }))).toBe(
    "unify: 'a constant array in 'Add'' must be the same in every trace but for sizes, but got contents that depend " +
      'on the sizes. Build whatever depends on a size from tensors (tf.range, tf.ones, shapes), not from JavaScript ' +
      'arrays or conditions.',
  )
})

test('a function that does other things at other sizes is refused', () => {
  const branches: TraceableFunction = ({ x }) => ({
    y: x!.shape[0] % 2 === 0 ? tf.exp(x!) : tf.log(x!),
  })
  expect(
    failure(() =>
      unify(
        [4, 5, 6].map((batch) => at(branches, batch)),
        [4, 5, 6].map((batch) => ({ batch })),
      ),
    ),
  ).toContain("'a node' must be the same in every trace but for sizes, but got Exp, Log, Exp")
  const longer: TraceableFunction = ({ x }) => ({
    y: Array.from({ length: x!.shape[0] }).reduce<tf.Tensor>((sum) => tf.sin(sum), x!),
  })
  expect(failure(() => traceProgram(longer, { x: { shape: ['batch', 3] } }))).toContain(
    'but got of 23, 31, 47 nodes',
  )
  const named: TraceableFunction = ({ x }) => ({ [`y${x!.shape[0]}`]: tf.exp(x!) })
  expect(failure(() => traceProgram(named, { x: { shape: ['batch', 3] } }))).toContain(
    "'the outputs' must be the same",
  )
  const root: TraceableFunction = ({ x }) => ({ y: tf.mul(x!, Math.sqrt(x!.shape[0])) })
  expect(failure(() => traceProgram(root, { x: { shape: ['batch', 3] } }))).toContain(
    "'a constant of 'Mul'' must be",
  )
  const sum: TraceableFunction = ({ x }) => ({ y: tf.range(0, x!.shape[0] + 2 * x!.shape[1]!) })
  expect(failure(() => traceProgram(sum, { x: { shape: ['batch', 'sequence'] } }))).toContain(
    "'limit of 'Range'' must be",
  )
})

test('a size that two traces would misread is caught by the third', () => {
  // At 5 and 7 the constant looks like the batch; at 3 it does not.
  const planted: Record<number, number> = { 5: 5, 7: 7, 3: 4 }
  const compute: TraceableFunction = ({ x }) => ({
    y: tf.add(tf.sum(x!), tf.range(0, planted[x!.shape[0]] ?? 0)),
  })
  const traceSizes = [{ batch: 5 }, { batch: 7 }, { batch: 3 }]
  expect(failure(() => traceProgram(compute, { x: { shape: ['batch', 2] } }, { traceSizes }))).toContain(
    "'limit of 'Range'' must be the same in every trace but for sizes, but got 5, 7, 4",
  )
  expect(
    failure(() => traceProgram(compute, { x: { shape: ['batch', 2] } }, { traceSizes: traceSizes.slice(1) })),
  ).toBe(
    "traceProgram: 'traceSizes' must be the sizes of at least three traces: two determine an expression, a third " +
      'verifies it, but got those of 2. Add a record with other sizes of every axis.',
  )
})

test('other sizes are tried where a size of the model equals one of the first', async () => {
  // 3 and 4, sizes of the model, are also sizes at which the first and second tables trace.
  const compute: TraceableFunction = ({ x }) => {
    const rows = tf.mul(x!, tf.reshape(tf.range(0, x!.shape[0]), [-1, 1, 1]))
    return { y: tf.add(tf.mul(rows, tf.reshape(tf.range(0, 3), [1, 3, 1])), tf.range(0, 4)) }
  }
  const program = traceProgram(compute, { x: { shape: ['batch', 3, 4] } })
  const feeds = [1, 3, 4].map((batch) => ({ x: random([batch, 3, 4]) }))
  const received = await runModelOften(toOnnx(program), feeds)
  feeds.forEach((feed, index) => expectSame(received[index] ?? {}, runEager(compute, feed)))
})

test('at most four axes are named', () => {
  const shape = ['a', 'b', 'c', 'd', 'e']
  expect(failure(() => traceProgram(({ x }) => ({ y: tf.exp(x!) }), { x: { shape } }))).toBe(
    "traceProgram: 'inputs' must be at most 4 named axes, but got a, b, c, d, e. Fix some of the sizes, or pass traceSizes.",
  )
})

test('an axis that no fed input has is refused', () => {
  const compute: TraceableFunction = ({ x }) => ({ y: tf.ones(x!.shape) })
  expect(failure(() => toOnnx(traceProgram(compute, { x: { shape: ['batch', 2] } })))).toBe(
    "toOnnx: 'axis 'batch'' must be an axis of an input that is fed and whose elements are used, but got an axis of " +
      'none. Feed an input that has this axis and use it, or fix the size.',
  )
})
