import * as ort from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { tf, toOnnx, type TraceableFunction, traceProgram } from '../src/index'
import { expectSame, runEager, runModel } from './support/run'

type Tensors = Record<string, tf.Tensor>

const sines = (...shape: number[]) => {
  const length = shape.reduce((product, size) => product * size, 1)
  return {
    dtype: 'float32' as const,
    shape,
    data: Float32Array.from({ length }, (_, index) => Math.sin(index * 1.3)),
  }
}

const classify = ({ ids, table, weight, bias }: Tensors) => {
  const pooled = tf.mean(tf.gather(table as tf.Tensor, ids as tf.Tensor1D), 1)
  return { logits: tf.add(tf.matMul(pooled, weight as tf.Tensor, false, true), bias as tf.Tensor) }
}
const specs = {
  ids: { shape: ['batch', 'sequence'], dtype: 'int32' as const },
  table: { shape: [7, 4] },
  weight: { shape: [3, 4] },
  bias: { shape: [3] },
}
const weights: Record<string, Float32Array> = {
  table: sines(7, 4).data,
  weight: sines(3, 4).data,
  bias: sines(3).data,
}
const ids = { dtype: 'int32' as const, shape: [2, 3], data: Int32Array.of(0, 6, 2, 5, 5, 1) }

test('a training step: loss and gradients at any batch size', async () => {
  const step: TraceableFunction = ({ x, w, b, v }) => {
    const loss = (w: tf.Tensor, b: tf.Tensor, v: tf.Tensor) =>
      tf.mean(tf.square(tf.matMul(tf.relu(tf.add(tf.matMul(x!, w, false, true), b)), v)))
    const { value, grads } = tf.valueAndGrads(loss)([w, b, v] as tf.Tensor[])
    return { loss: value, dw: grads[0]!, db: grads[1]!, dv: grads[2]! }
  }
  const shapes = { x: { shape: ['batch', 4] }, w: { shape: [8, 4] }, b: { shape: [8] }, v: { shape: [8, 2] } }
  const model = toOnnx(traceProgram(step, shapes))
  for (const batch of [1, 3]) {
    const feeds = { x: sines(batch, 4), w: sines(8, 4), b: sines(8), v: sines(8, 2) }
    expectSame(await runModel(model, feeds), runEager(step, feeds), { absolute: 1e-6, relative: 1e-5 })
  }
})

test('inputs, outputs and symbolic axes carry their names; stored weights are no inputs', async () => {
  const program = traceProgram(classify, specs)
  const session = await ort.InferenceSession.create(toOnnx(program, { weights: (name) => weights[name] }))
  expect(session.inputMetadata).toMatchObject([{ name: 'ids', type: 'int32', shape: ['batch', 'sequence'] }])
  expect(session.outputMetadata).toMatchObject([{ name: 'logits', type: 'float32', shape: ['batch', 3] }])
  await session.release()
  const fed = await ort.InferenceSession.create(toOnnx(program))
  expect(fed.inputNames).toEqual(['ids', 'table', 'weight', 'bias'])
  await fed.release()
})

test('results between inputs and outputs have known shapes, so that they can be written in place', () => {
  const flat = ({ x }: Tensors) => ({ total: tf.sum(tf.exp(tf.reshape(x!, [-1]))) })
  const model = toOnnx(traceProgram(flat, { x: { shape: ['batch', 'sequence'] } }))
  expect(Buffer.from(model).includes('batch*sequence')).toBe(true)
})

test('stored and fed weights give the same', async () => {
  const program = traceProgram(classify, specs)
  const stored = await runModel(toOnnx(program, { weights: (name) => weights[name] }), { ids })
  const feeds = { ids, table: sines(7, 4), weight: sines(3, 4), bias: sines(3) }
  expectSame(stored, await runModel(toOnnx(program), feeds))
  expectSame(stored, runEager(classify, feeds))
})

test('token ids can be fed as int64, as Transformers.js does', async () => {
  const program = traceProgram(classify, specs)
  const model = toOnnx(program, { weights: (name) => weights[name], inputTypes: { ids: 'int64' } })
  const session = await ort.InferenceSession.create(model)
  expect(session.inputMetadata).toMatchObject([{ name: 'ids', type: 'int64' }])
  const { logits } = await session.run({
    ids: new ort.Tensor('int64', BigInt64Array.from(ids.data, BigInt), [2, 3]),
  })
  await session.release()
  const expected = runEager(classify, { ids, table: sines(7, 4), weight: sines(3, 4), bias: sines(3) })
  expect(logits?.data as Float32Array).toBeAllClose(expected.logits?.data ?? [])
})

test('the same program gives the same bytes, and so does the same function', () => {
  const program = traceProgram(classify, specs)
  const options = { weights: (name: string) => weights[name], precision: 'int8' as const }
  expect(toOnnx(program, options)).toEqual(toOnnx(program, options))
  expect(toOnnx(traceProgram(classify, specs), options)).toEqual(toOnnx(program, options))
})

test('outputs may be an input, a constant, one value twice, or some of the pieces of a split', async () => {
  const compute: TraceableFunction = ({ x }) => {
    const [, second] = tf.unstack(x!) as [tf.Tensor, tf.Tensor, tf.Tensor]
    const same = tf.exp(x!)
    return {
      given: x!,
      second,
      same,
      again: same,
      array: tf.tensor([1, 2]),
      splat: tf.ones([2, 1]),
      scalar: tf.scalar(5, 'int32'),
    }
  }
  const feeds = { x: sines(3, 2) }
  expectSame(
    await runModel(toOnnx(traceProgram(compute, { x: { shape: [3, 2] } })), feeds),
    runEager(compute, feeds),
  )
})

test('names of users never collide with those of intermediate values', async () => {
  const compute: TraceableFunction = ({ t0, t1 }) => ({ t2: tf.add(tf.exp(tf.mul(t0!, 2)), tf.sin(t1!)) })
  const feeds = { t0: sines(3), t1: sines(3) }
  const model = toOnnx(
    traceProgram(
      compute,
      { t0: { shape: [3] }, t1: { shape: ['n'] } },
      { traceSizes: [{ n: 3 }, { n: 3 }, { n: 3 }] },
    ),
  )
  expectSame(await runModel(model, feeds), runEager(compute, feeds))
})

test('an input that nothing depends on is left out', async () => {
  const program = traceProgram(({ x }) => ({ y: tf.exp(x!) }), { x: { shape: [2] }, unused: { shape: [2] } })
  expect(program.inputs.map(({ name }) => name)).toEqual(['x'])
  expectSame(
    await runModel(toOnnx(program), { x: sines(2) }),
    runEager(({ x }) => ({ y: tf.exp(x!) }), { x: sines(2) }),
  )
})
