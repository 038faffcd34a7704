import { embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { dropoutLayer, layerNormLayer } from './layers'
import { parameterOf, type Parameters } from './parameters'
import { type ChangeWords, wordEmbedding } from './word-embedding'

/** Module names of the embeddings in the checkpoint. */
export interface EmbeddingNames {
  readonly word: string
  readonly position: string
  readonly tokenType?: string
  readonly norm: string
}

/** Options of {@link absoluteEmbeddings}. */
export interface AbsoluteEmbeddingsOptions {
  names: EmbeddingNames
  /** Positions count the tokens that are not this id, see {@link positionsOfTokens}. Default: 0, 1, 2, …. */
  positionPadding?: number | undefined
  epsilon: number
  dropout: number
  training: boolean
}

/**
 * The positions of RoBERTa: tokens count from `padding` + 1, padding is at `padding` itself
 * (`create_position_ids_from_input_ids` of Hugging Face transformers).
 *
 * @param inputIds int32 [batch, sequence]
 * @returns int32 [batch, sequence]
 */
export function positionsOfTokens(inputIds: tf.Tensor, padding: number): tf.Tensor {
  const id = tf.scalar(padding, 'int32')
  const isToken = tf.cast(tf.notEqual(inputIds, id), 'int32')
  return tf.add(tf.mul(tf.cumsum(isToken, 1), isToken), id)
}

/**
 * Word, position and, where the model has them, token type embeddings; then LayerNorm and dropout.
 *
 * @param ids `inputIds` and optionally `tokenTypeIds`, int32 [batch, sequence]; token types default to 0. And what is to be
 *   done with the words' embeddings.
 * @returns float32 [batch · sequence, hidden]
 */
export function absoluteEmbeddings(
  parameters: Parameters,
  ids: { inputIds: tf.Tensor; tokenTypeIds?: tf.Tensor | undefined; changeWords?: ChangeWords | undefined },
  { names, positionPadding, epsilon, dropout, training }: AbsoluteEmbeddingsOptions,
): tf.Tensor {
  const [batch, sequence] = ids.inputIds.shape as [number, number]
  const lookUp = (name: string, rows: tf.Tensor) => embedding(parameterOf(parameters, `${name}.weight`), rows)
  const positions =
    positionPadding === undefined
      ? tf.range(0, sequence, 1, 'int32') // not an array, so that a trace keeps the length symbolic
      : positionsOfTokens(ids.inputIds, positionPadding)
  let perPosition = lookUp(names.position, positions) // [(batch,) sequence, hidden]
  let perToken = wordEmbedding(parameters, ids.inputIds, { name: names.word, change: ids.changeWords })
  if (names.tokenType !== undefined) {
    if (ids.tokenTypeIds) perToken = tf.add(perToken, lookUp(names.tokenType, ids.tokenTypeIds))
    else perPosition = tf.add(perPosition, lookUp(names.tokenType, tf.tensor1d([0], 'int32')))
  }
  const sum = tf.add(perToken, perPosition)
  const hiddenSize = sum.shape[2]!
  const x = tf.reshape(sum, [batch * sequence, hiddenSize])
  return dropoutLayer(layerNormLayer(parameters, names.norm, { x, epsilon }), dropout, training)
}
