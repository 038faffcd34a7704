import { linear } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { activate, dropoutLayer, layerNormLayer, linearLayer, type Activation } from './layers'
import { parameterOf, type Parameters } from './parameters'

/** How the one vector that a classifier reads is made from a sequence: the first token, dense, activation. */
export interface Pooler {
  /** Module name of the checkpoint. */
  readonly dense: string
  readonly activation: 'tanh' | 'relu' | 'gelu'
}

/**
 * The one vector of each sequence that a classifier reads.
 *
 * @param first The hidden state of the first token, float32 [batch, hidden].
 * @returns float32 [batch, hidden]
 */
export function pooled(parameters: Parameters, first: tf.Tensor, { dense, activation }: Pooler): tf.Tensor {
  const x = linearLayer(parameters, dense, first)
  return activation === 'tanh' ? tf.tanh(x) : activate(x, activation)
}

/** How the classifier of sequences is built. */
export interface SequenceClassifier extends Pooler {
  /** Module name of the last layer. */
  readonly output: string
  /** Dropout also before the dense layer, as in RoBERTa. */
  readonly dropsInput: boolean
}

/**
 * What the last layer of the classifier reads of each sequence, from its first token.
 *
 * @param hidden float32 [batch, sequence, hidden]
 * @returns float32 [batch, hidden]
 */
export function classifierInput(
  parameters: Parameters,
  hidden: tf.Tensor,
  { head, dropout, training }: { head: SequenceClassifier; dropout: number; training: boolean },
): tf.Tensor {
  const first = dropoutLayer(firstToken(hidden), head.dropsInput ? dropout : 0, training)
  return dropoutLayer(pooled(parameters, first, head), dropout, training)
}

/**
 * The hidden state of the first token of every sequence (`[CLS]`).
 *
 * @param hidden float32 [batch, sequence, hidden]
 * @returns float32 [batch, hidden]
 */
export function firstToken(hidden: tf.Tensor): tf.Tensor {
  const [batch, , hiddenSize] = hidden.shape as [number, number, number]
  return tf.reshape(tf.slice(hidden, [0, 0, 0], [batch, 1, hiddenSize]), [batch, hiddenSize])
}

/** Options of {@link tiedLanguageModelHead}. */
export interface TiedHeadOptions {
  /** Module names of the checkpoint; `tied` is the word embedding, `bias` a full parameter name. */
  names: { dense: string; norm: string; tied: string; bias: string }
  activation: Activation
  epsilon: number
  /** int32 [M]: rows of the flattened batch. Default: every token. */
  maskedPositions?: tf.Tensor | undefined
}

/**
 * The masked language model head: dense, activation, LayerNorm, then scores over the vocabulary by the word
 * embeddings themselves. Taking only the masked rows first saves most of the cost.
 *
 * @param hidden float32 [batch, sequence, hidden]
 * @returns float32 [M, vocabulary], or [batch · sequence, vocabulary] without positions
 */
export function tiedLanguageModelHead(
  parameters: Parameters,
  hidden: tf.Tensor,
  { names, activation, epsilon, maskedPositions }: TiedHeadOptions,
): tf.Tensor {
  const [batch, sequence, hiddenSize] = hidden.shape as [number, number, number]
  const tokens = tf.reshape(hidden, [batch * sequence, hiddenSize])
  const rows = maskedPositions ? tf.gather(tokens, maskedPositions) : tokens
  const transformed = layerNormLayer(parameters, names.norm, {
    x: activate(linearLayer(parameters, names.dense, rows), activation),
    epsilon,
  })
  return linear(
    transformed,
    parameterOf(parameters, `${names.tied}.weight`),
    parameterOf(parameters, names.bias),
  )
}

/**
 * The mean of a sequence's hidden states over its tokens, without padding (Reimers and Gurevych 2019,
 * [Sentence-BERT](https://arxiv.org/abs/1908.10084)).
 *
 * @param hidden float32 [batch, sequence, hidden]
 * @param attentionMask int32 [batch, sequence]; 1 = token, 0 = padding
 * @returns float32 [batch, hidden]
 */
export function meanPool(hidden: tf.Tensor, attentionMask: tf.Tensor): tf.Tensor {
  const mask = tf.expandDims(tf.cast(attentionMask, 'float32'), -1)
  return tf.div(tf.sum(tf.mul(hidden, mask), 1), tf.maximum(tf.sum(mask, 1), 1))
}

/**
 * Rows scaled to Euclidean length 1.
 *
 * @param x float32 [rows, size]
 */
export function unitLength(x: tf.Tensor): tf.Tensor {
  return tf.mul(x, tf.rsqrt(tf.maximum(tf.sum(tf.square(x), -1, true), 1e-24)))
}
