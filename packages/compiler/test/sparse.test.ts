import { expect, test } from 'vitest'
import { sparseOutputs, tf, toOnnx, type TraceableFunction, traceProgram } from '../src/index'
import { expectSame, runEager, runModel } from './support/run'

type Tensors = Record<string, tf.Tensor>

const sines = (...shape: number[]) => {
  const length = shape.reduce((product, size) => product * size, 1)
  return {
    dtype: 'float32' as const,
    shape,
    data: Float32Array.from({ length }, (_, index) => Math.sin(index + 0.5)),
  }
}
/** Ids with repetitions. */
const ids = { dtype: 'int32' as const, shape: [5], data: Int32Array.of(3, 1, 3, 3, 0) }
const feeds = { table: sines(6, 4), ids, target: sines(5, 4) }
const specs = {
  table: { shape: [6, 4] },
  ids: { shape: ['tokens'], dtype: 'int32' as const },
  target: { shape: ['tokens', 4] },
}

/** The gradient of the table where it is looked up once, or also multiplied with: tied. */
const gradient =
  (tied: boolean): TraceableFunction =>
  (inputs) => {
    const loss = (table: tf.Tensor) => {
      const { ids, target } = inputs as Tensors
      const rows = tf.sub(tf.gather(table, ids as tf.Tensor1D), target as tf.Tensor)
      const scores = tf.sum(tf.square(rows))
      return tied ? tf.add(scores, tf.sum(tf.square(tf.matMul(rows, table, false, true)))) : scores
    }
    return { gradient: tf.grad(loss)(inputs.table!) }
  }

test('the gradient of an embedding adds up repeated ids', async () => {
  const program = traceProgram(gradient(false), specs)
  expect(program.sparse).toEqual({})
  expectSame(await runModel(toOnnx(program), feeds), runEager(gradient(false), feeds))
})

test('kept sparse, it is the ids and one row for each, in the order of the ids', async () => {
  const program = traceProgram(gradient(false), specs, { keepSparse: true })
  expect(program.sparse).toMatchObject({ gradient: { shape: [6, 4] } })
  expect(program.nodes.map(({ op }) => op)).not.toContain('ScatterElements')
  const names = sparseOutputs('gradient')
  const received = await runModel(toOnnx(program), feeds)
  expect(Array.from(received[names.ids]?.data ?? [])).toEqual([3, 1, 3, 3, 0])
  const dense = new Float32Array(24)
  received[names.rows]?.data.forEach((value, index) => {
    const place = ids.data[Math.floor(index / 4)]! * 4 + (index % 4)
    dense[place] = dense[place]! + value
  })
  expect(dense).toBeAllClose(runEager(gradient(false), feeds).gradient?.data ?? [])
})

test('two look-ups of one table become one list of rows', () => {
  const twice: TraceableFunction = (inputs) => {
    const loss = (table: tf.Tensor) => {
      const { ids } = inputs as Tensors
      return tf.sum(
        tf.mul(
          tf.gather(table, ids as tf.Tensor1D),
          tf.exp(tf.gather(table, tf.add<tf.Tensor1D>(ids as tf.Tensor, tf.scalar(1, 'int32')))),
        ),
      )
    }
    return { gradient: tf.grad(loss)(inputs.table!) }
  }
  const program = traceProgram(
    twice,
    { table: specs.table, ids: { shape: [5], dtype: 'int32' } },
    { keepSparse: true },
  )
  expect(program.outputs.map(({ name, value }) => [name, value.shape])).toEqual([
    ['gradient.ids', [10]],
    ['gradient.rows', [10, 4]],
  ])
})

test('a tied embedding gets a dense part and rows, scattered once', async () => {
  const program = traceProgram(gradient(true), specs, { keepSparse: true })
  expect(program.sparse).toEqual({})
  expect(program.nodes.filter(({ op }) => op === 'ScatterElements')).toHaveLength(1)
  expectSame(await runModel(toOnnx(program), feeds), runEager(gradient(true), feeds), {
    absolute: 1e-5,
    relative: 1e-5,
  })
})
