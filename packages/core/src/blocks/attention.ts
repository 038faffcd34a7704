import { softmax } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { dropoutLayer, linearLayer } from './layers'
import type { Parameters } from './parameters'

/** Added to the scores of padding: large enough that its probability is exactly 0, finite in float32. */
const paddingScore = 1e9

/**
 * What to add to the attention scores: 0 where the mask is 1, a large negative number where it is 0.
 *
 * @param attentionMask int32 [batch, sequence]; 1 = token, 0 = padding
 * @returns float32 [batch, 1, 1, sequence]
 */
export function attentionBias(attentionMask: tf.Tensor): tf.Tensor {
  const [batch, sequence] = attentionMask.shape as [number, number]
  const bias = tf.mul(tf.sub(tf.cast(attentionMask, 'float32'), 1), paddingScore)
  return tf.reshape(bias, [batch, 1, 1, sequence])
}

/** Options of {@link selfAttention}. */
export interface SelfAttentionOptions {
  /** Module names of the checkpoint. */
  names: { query: string; key: string; value: string; output: string }
  /** float32 [batch, 1 or heads, 1 or sequence, sequence]: added to the scores, see {@link attentionBias}. */
  bias: tf.Tensor
  heads: number
  /** Rate on the attention probabilities. */
  dropout: number
  training: boolean
}

/**
 * Scaled dot-product self-attention with several heads, and its output projection
 * ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762), 3.2). No residual, no dropout on the output.
 *
 * @param hidden float32 [batch · sequence, hidden]
 * @returns float32 [batch · sequence, hidden]
 */
export function selfAttention(
  parameters: Parameters,
  hidden: tf.Tensor,
  { names, bias, heads, dropout, training }: SelfAttentionOptions,
): tf.Tensor {
  const [batch, , , sequence] = bias.shape as [number, number, number, number]
  const hiddenSize = hidden.shape[1]!
  const headSize = hiddenSize / heads
  // (B·S, H) → (B, N, S, D)
  const splitHeads = (x: tf.Tensor) =>
    tf.transpose(tf.reshape(x, [batch, sequence, heads, headSize]), [0, 2, 1, 3])
  // Scaling the query costs sequence / headSize times less than scaling the scores.
  const query = splitHeads(tf.mul(linearLayer(parameters, names.query, hidden), 1 / Math.sqrt(headSize)))
  const key = splitHeads(linearLayer(parameters, names.key, hidden))
  const value = splitHeads(linearLayer(parameters, names.value, hidden))
  const probabilities = softmax(tf.add(tf.matMul(query, key, false, true), bias)) // (B, N, S, S)
  const context = tf.matMul(dropoutLayer(probabilities, dropout, training), value) // (B, N, S, D)
  const merged = tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [batch * sequence, hiddenSize])
  return linearLayer(parameters, names.output, merged)
}
