import * as ort from '../../backend/node_modules/onnxruntime-node'
import '@tensorflow/tfjs-backend-cpu'
import { expect, test } from 'vitest'
import { tf, toOnnx, traceProgram } from '../src/index'

const mlp = ({ x, w, b, v }: Record<string, tf.Tensor>) => {
  const loss = (w: tf.Tensor, b: tf.Tensor, v: tf.Tensor) =>
    tf.mean(tf.square(tf.matMul(tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, true), b)), v as tf.Tensor2D))) as tf.Scalar
  const { value, grads } = tf.valueAndGrads(loss as never)([w!, b!, v!]) as { value: tf.Tensor; grads: tf.Tensor[] }
  return { loss: value, dw: grads[0]!, db: grads[1]!, dv: grads[2]! }
}
test('mlp', async () => {
  const bytes = traceProgram(mlp, { x: { shape: ['batch', 4] }, w: { shape: [8, 4] }, b: { shape: [8] }, v: { shape: [8, 2] } })
  console.log(bytes.nodes.map((n) => n.op).join(' '))
  const session = await ort.InferenceSession.create(toOnnx(bytes))
  const r = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 1.3 + n))
  const feeds = { x: [r(12), [3, 4]], w: [r(32), [8, 4]], b: [r(8), [8]], v: [r(16), [8, 2]] } as Record<string, [Float32Array, number[]]>
  const got = await session.run(Object.fromEntries(Object.entries(feeds).map(([k, [d, s]]) => [k, new ort.Tensor('float32', d, s)])))
  await tf.setBackend('cpu')
  const want = mlp(Object.fromEntries(Object.entries(feeds).map(([k, [d, s]]) => [k, tf.tensor(d, s)])))
  for (const [name, tensor] of Object.entries(want)) {
    const a = await tensor.data(); const b = got[name]!.data as Float32Array
    a.forEach((x, i) => expect(Math.abs(x - b[i]!)).toBeLessThan(1e-5))
  }
})
