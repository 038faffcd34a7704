import { tf } from '@tfx/compiler'
import { feedForward, feedForwardSpecs, type FeedForwardNames } from './feed-forward'
import { dropoutLayer, normLayer, normSpecs, type Activation, type NormKind } from './layers'
import {
  attentionSpecs,
  multiHeadAttention,
  type AttentionNames,
  type AttentionSizes,
} from './multi-head-attention'
import type { Parameters, ParameterSpecs } from './parameters'
import type { RotaryTables } from './rotary'
import type { KeyValues } from './scaled-attention'

/** Module names of one pre-norm decoder layer in the checkpoint. */
export interface DecoderLayerNames {
  readonly attention: AttentionNames
  readonly feedForward: FeedForwardNames
  readonly attentionNorm: string
  readonly feedForwardNorm: string
  /** Norms of the outputs, before they are added to the residual: Gemma has them. */
  readonly attentionOutputNorm?: string
  readonly feedForwardOutputNorm?: string
}

/** What all layers of a decoder have in common. */
export interface DecoderLayerOptions {
  readonly sizes: AttentionSizes & { readonly intermediateSize: number }
  readonly activation: Activation
  readonly norm: NormKind
  /** Which projections have biases. */
  readonly biases: { attention: boolean; attentionOutput: boolean; feedForward: boolean }
  readonly dropout: { attention: number; hidden: number }
  readonly softcap?: number | undefined
  /** Weights are [in, out], as in GPT-2. Default false. */
  readonly isTransposed?: boolean
}

/** What one run of a layer depends on. */
export interface DecoderLayerRun {
  names: DecoderLayerNames
  layer: DecoderLayerOptions
  batch: number
  /** float32 [batch, 1, sequence, total], see `causalBias`. */
  bias: tf.Tensor
  /** What scores are multiplied with. */
  scale: number
  rotary?: RotaryTables | undefined
  past?: KeyValues | undefined
  joinsPast?: boolean | undefined
  training: boolean
}

/**
 * Causal self-attention, then a feed-forward network, each behind a norm and added to what came in.
 *
 * @param hidden float32 [batch · sequence, hidden]
 * @returns The same shape, and the layer's keys and values.
 */
export function decoderLayer(
  parameters: Parameters,
  hidden: tf.Tensor,
  { names, layer, batch, bias, scale, rotary, past, joinsPast, training }: DecoderLayerRun,
): { hidden: tf.Tensor; present: KeyValues } {
  const { norm, dropout, biases, isTransposed = false } = layer
  const normed = (name: string | undefined, x: tf.Tensor) =>
    name === undefined ? x : normLayer(parameters, { ...norm, name }, x)
  const added = (residual: tf.Tensor, x: tf.Tensor) =>
    tf.add(residual, dropoutLayer(x, dropout.hidden, training))
  const { output, present } = multiHeadAttention(parameters, normed(names.attentionNorm, hidden), {
    names: names.attention,
    sizes: layer.sizes,
    batch,
    bias,
    scale,
    softcap: layer.softcap,
    rotary,
    norm,
    past,
    joinsPast,
    dropout: dropout.attention,
    training,
    linear: { hasBias: biases.attention, isTransposed },
    hasOutputBias: biases.attentionOutput,
  })
  const attended = added(hidden, normed(names.attentionOutputNorm, output))
  const transformed = feedForward(parameters, normed(names.feedForwardNorm, attended), {
    names: names.feedForward,
    activation: layer.activation,
    training,
    linear: { hasBias: biases.feedForward, isTransposed },
  })
  return { hidden: added(attended, normed(names.feedForwardOutputNorm, transformed)), present }
}

/** The parameters of one {@link decoderLayer}. */
export function decoderLayerSpecs(
  names: DecoderLayerNames,
  { sizes, norm, biases, isTransposed = false }: DecoderLayerOptions,
): ParameterSpecs {
  const norms = [
    names.attentionNorm,
    names.attentionOutputNorm,
    names.feedForwardNorm,
    names.feedForwardOutputNorm,
  ]
  const attention = {
    linear: { hasBias: biases.attention, isTransposed },
    hasOutputBias: biases.attentionOutput,
    norm,
  }
  return Object.assign(
    {},
    attentionSpecs(names.attention, sizes, attention),
    feedForwardSpecs(names.feedForward, sizes, { hasBias: biases.feedForward, isTransposed }),
    ...norms.map((name) => name && normSpecs(name, sizes.hiddenSize, norm)),
  ) as ParameterSpecs
}
