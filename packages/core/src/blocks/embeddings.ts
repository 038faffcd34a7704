import { embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { dropoutLayer, layerNormLayer } from './layers'
import { parameterOf, type Parameters } from './parameters'

/** Options of {@link absoluteEmbeddings}. */
export interface AbsoluteEmbeddingsOptions {
  /** Module names of the checkpoint. */
  names: { word: string; position: string; tokenType?: string; norm: string }
  epsilon: number
  dropout: number
  training: boolean
}

/**
 * Word, position (0, 1, 2, …) and, where the model has them, token type embeddings; then LayerNorm and dropout.
 *
 * @param ids `inputIds` and optionally `tokenTypeIds`, int32 [batch, sequence]; token types default to 0.
 * @returns float32 [batch · sequence, hidden]
 */
export function absoluteEmbeddings(
  parameters: Parameters,
  ids: { inputIds: tf.Tensor; tokenTypeIds?: tf.Tensor | undefined },
  { names, epsilon, dropout, training }: AbsoluteEmbeddingsOptions,
): tf.Tensor {
  const [batch, sequence] = ids.inputIds.shape as [number, number]
  const lookUp = (name: string, rows: tf.Tensor) => embedding(parameterOf(parameters, `${name}.weight`), rows)
  // [sequence, hidden]; tf.range, not an array, so that a trace keeps the length symbolic.
  let perPosition = lookUp(names.position, tf.range(0, sequence, 1, 'int32'))
  let perToken = lookUp(names.word, ids.inputIds)
  if (names.tokenType !== undefined) {
    if (ids.tokenTypeIds) perToken = tf.add(perToken, lookUp(names.tokenType, ids.tokenTypeIds))
    else perPosition = tf.add(perPosition, lookUp(names.tokenType, tf.tensor1d([0], 'int32')))
  }
  const sum = tf.add(perToken, perPosition)
  const hiddenSize = sum.shape[2]!
  const x = tf.reshape(sum, [batch * sequence, hiddenSize])
  return dropoutLayer(layerNormLayer(parameters, names.norm, { x, epsilon }), dropout, training)
}
