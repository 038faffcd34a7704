import { softmax } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { dropoutLayer } from './layers'

/** Keys and values of the tokens so far, float32 [batch, key/value heads, tokens, head size] each. */
export interface KeyValues {
  readonly key: tf.Tensor
  readonly value: tf.Tensor
}

/** Options of {@link scaledAttention}. */
export interface ScaledAttentionOptions {
  /** float32, broadcast over [batch, heads, queries, keys] and added to the scores. */
  bias: tf.Tensor
  /** What scores are multiplied with. Default 1 / √(head size). */
  scale?: number | undefined
  /** Scores are squeezed into (−softcap, softcap) by a hyperbolic tangent, as in Gemma 2. */
  softcap?: number | undefined
  /** Rate on the probabilities. */
  dropout: number
  training: boolean
}

/**
 * Scaled dot-product attention ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762), 3.2). With fewer key/value
 * heads than query heads each of them serves a group (Ainslie et al. 2023, [GQA](https://arxiv.org/abs/2305.13245)):
 * the group's queries are stacked, so that keys and values are never repeated.
 *
 * @param query float32 [batch, heads, queries, head size]
 * @returns float32 [batch · queries, heads · head size]
 */
export function scaledAttention(
  query: tf.Tensor,
  { key, value }: KeyValues,
  { bias, scale, softcap, dropout, training }: ScaledAttentionOptions,
): tf.Tensor {
  const [batch, heads, queries, headSize] = query.shape as [number, number, number, number]
  const [, groups, keys] = key.shape as [number, number, number]
  const stackedQueries = (heads / groups) * queries
  // Scaling the query costs keys / headSize times less than scaling the scores.
  const scaled = tf.mul(query, scale ?? 1 / Math.sqrt(headSize))
  const stacked = tf.reshape(scaled, [batch, groups, stackedQueries, headSize])
  let scores = tf.reshape(tf.matMul(stacked, key, false, true), [batch, heads, queries, keys])
  if (softcap !== undefined) scores = softcapped(scores, softcap)
  const probabilities = dropoutLayer(softmax(tf.add(scores, bias)), dropout, training)
  const perGroup = tf.reshape(probabilities, [batch, groups, stackedQueries, keys])
  const perHead = tf.reshape(tf.matMul(perGroup, value), [batch, heads, queries, headSize])
  return tf.reshape(tf.transpose(perHead, [0, 2, 1, 3]), [batch * queries, heads * headSize])
}

/** x squeezed into (−limit, limit). */
export function softcapped(x: tf.Tensor, limit: number): tf.Tensor {
  return tf.mul(tf.tanh(tf.mul(x, 1 / limit)), limit)
}
