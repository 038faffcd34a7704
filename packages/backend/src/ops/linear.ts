import { sizeOf } from '@tfx/common'
import { tf } from '@tfx/compiler'

/**
 * `x · weightᵀ + bias`, as torch.nn.Linear.
 *
 * @param x [..., in]
 * @param weight [out, in], the layout of PyTorch checkpoints.
 * @param bias [out]
 * @returns [..., out]
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [outSize, inSize] = weight.shape as [number, number]
  const leading = x.shape.slice(0, -1)
  // One matrix product whatever the rank. tfjs's own gradient of a broadcast weight is wrong, too.
  const rows = tf.reshape<tf.Rank.R2>(x, [sizeOf(leading), inSize])
  const product = tf.matMul(rows, weight, false, true)
  return tf.reshape(bias ? tf.add(product, bias) : product, [...leading, outSize])
}

/**
 * Rows of a table. The gradient stays sparse (ids and rows) until a dense sum is needed.
 *
 * @param table [count, size]
 * @param ids int32, any shape, each in [0, count).
 * @returns [...ids.shape, size]
 */
export function embedding(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  const rows = tf.gather(table, tf.reshape<tf.Rank.R1>(ids, [ids.size]))
  return tf.reshape(rows, [...ids.shape, table.shape[1]!])
}
