import { embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { parameterOf, type Parameters } from './parameters'

/** Which embedding, and the id of padding, whose row learns nothing from being looked up (PyTorch's `padding_idx`). */
export interface WordEmbedding {
  readonly name: string
  readonly paddingRow?: number | undefined
}

/**
 * Rows of `{name}.weight`.
 *
 * @param ids int32 [batch, sequence]
 * @returns float32 [batch, sequence, size]
 */
export function wordEmbedding(
  parameters: Parameters,
  ids: tf.Tensor,
  { name, paddingRow }: WordEmbedding,
): tf.Tensor {
  const rows = embedding(parameterOf(parameters, `${name}.weight`), ids)
  if (paddingRow === undefined) return rows
  const isWord = tf.cast(tf.notEqual(ids, tf.scalar(paddingRow, 'int32')), 'float32')
  const looked = tf.customGrad((...args) => {
    const [rows, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc]
    save([tf.expandDims(isWord, -1)])
    return { value: tf.clone(rows), gradFunc: (dy, saved) => tf.mul(dy, saved[0]!) }
  })
  return looked(rows)
}
