import { expect, test } from 'vitest'
import { tf, traceProgram, recompute, toOnnx } from '../src/index'

test('x', () => {
  const program = traceProgram(
    ({ x, w, v }) => {
      const f = (w: tf.Tensor, v: tf.Tensor) => tf.sum(tf.relu(tf.matMul(tf.relu(tf.matMul(x as never, w as never)), v as never))) as tf.Scalar
      const [dw, dv] = tf.grads(f as never)([w, v] as never) as [tf.Tensor, tf.Tensor]
      return { loss: f(w!, v!), dw, dv }
    },
    { x: { shape: ['b', 4] }, w: { shape: [4, 4] }, v: { shape: [4, 4] } },
  )
  console.log(program.nodes.map((n) => n.op).join())
  const after = recompute(program, { results: ['loss'], sources: ['x'] })
  console.log(after.nodes.map((n) => n.op).join())
  expect(toOnnx(after).length).toBeGreaterThan(0)
})
