import { stochasticDepth } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { feedForward, feedForwardSpecs, type FeedForwardNames } from './feed-forward'
import { dropoutLayer, normLayer, normSpecs, type Activation, type NormKind } from './layers'
import {
  attentionSpecs,
  multiHeadAttention,
  type AttentionNames,
  type AttentionSizes,
  type MultiHeadAttentionOptions,
} from './multi-head-attention'
import type { Parameters, ParameterSpecs } from './parameters'
import type { RotaryTables } from './rotary'
import type { KeyValues } from './scaled-attention'

/** Module names of one layer in the checkpoint. */
export interface TransformerLayerNames {
  readonly attention: AttentionNames
  /** Default: none, as in the first layer of ModernBERT. */
  readonly attentionNorm?: string
  /** Attention to an encoder, between self-attention and feed-forward. */
  readonly crossAttention?: AttentionNames
  readonly crossAttentionNorm?: string
  readonly feedForward: FeedForwardNames
  readonly feedForwardNorm: string
  /** Norms of the outputs, before they are added to the residual: Gemma has them. */
  readonly attentionOutputNorm?: string
  readonly feedForwardOutputNorm?: string
}

/** What all layers of a stack have in common. */
export interface TransformerLayerOptions {
  readonly sizes: AttentionSizes & { readonly intermediateSize: number }
  readonly activation: Activation
  readonly norm: NormKind
  /** Norms in front of each part (GPT-2, Llama, T5), or behind each residual (BERT, BART). Default `before`. */
  readonly normOrder?: 'before' | 'after'
  /** Which projections have biases. */
  readonly biases: { attention: boolean; attentionOutput: boolean; feedForward: boolean }
  readonly dropout: {
    attention: number
    hidden: number
    /** Inside the feed-forward network. Default 0. */
    activation?: number
    /** Behind the attention, where it is not the hidden one. */
    attentionOutput?: number
    /** At which the parts of the last layer are left out whole (stochastic depth). Default 0. */
    depth?: number | undefined
  }
  readonly softcap?: number | undefined
  /** Weights are [in, out], as in GPT-2. Default false. */
  readonly isTransposed?: boolean
}

/** What one run of a layer depends on. */
export interface TransformerLayerRun {
  names: TransformerLayerNames
  layer: TransformerLayerOptions
  batch: number
  /**
   * Of the self-attention: float32, broadcast over [batch, heads, sequence, total], see `causalBias` and
   * `attentionBias`; or a function of queries and keys.
   */
  bias: MultiHeadAttentionOptions['bias']
  /** What scores are multiplied with. Default 1 / √(head size). */
  scale?: number | undefined
  rotary?: RotaryTables | undefined
  past?: KeyValues | undefined
  pastHasRoom?: boolean | undefined
  /** Keys and values of the encoder's states, and which of them are padding. */
  cross?: { keyValues: KeyValues; bias: tf.Tensor } | undefined
  /** How deep the layer lies, see {@link layerDepth}. */
  depth: number
  training: boolean
}

/** How deep a layer lies: 0 for the first of several, 1 for the last. Its parts are left out at so much of the full rate. */
export const layerDepth = (index: number, count: number): number => (count > 1 ? index / (count - 1) : 1)

/**
 * Self-attention, attention to an encoder where it is named, and a feed-forward network; each added to what came in.
 *
 * @param hidden float32 [batch · sequence, hidden]
 * @returns The same shape, and the keys and values of the self-attention.
 */
export function transformerLayer(
  parameters: Parameters,
  hidden: tf.Tensor,
  run: TransformerLayerRun,
): { hidden: tf.Tensor; present: KeyValues } {
  const { names, layer, batch, training } = run
  const { norm, biases, dropout, isTransposed = false, normOrder = 'before' } = layer
  const normed = (name: string | undefined, x: tf.Tensor) =>
    name === undefined ? x : normLayer(parameters, { ...norm, name }, x)
  const depthRate = training ? (dropout.depth ?? 0) * run.depth : 0
  const skipped = (rows: tf.Tensor) =>
    depthRate === 0 ? rows : tf.reshape(stochasticDepth(tf.reshape(rows, [batch, -1]), depthRate), rows.shape)
  /** One part of the layer with its norm and its residual. */
  const added = (
    x: tf.Tensor,
    { name, rate = dropout.hidden }: { name: string | undefined; rate?: number | undefined },
    part: (input: tf.Tensor) => tf.Tensor,
  ) => {
    const output = part(normOrder === 'before' ? normed(name, x) : x)
    const sum = tf.add(x, skipped(dropoutLayer(output, rate, training)))
    return normOrder === 'before' ? sum : normed(name, sum)
  }
  const attentionOptions = {
    sizes: layer.sizes,
    batch,
    scale: run.scale,
    softcap: layer.softcap,
    norm,
    dropout: dropout.attention,
    training,
    linear: { hasBias: biases.attention, isTransposed },
    hasOutputBias: biases.attentionOutput,
  }

  let present: KeyValues | undefined
  const attentionPart = { name: names.attentionNorm, rate: dropout.attentionOutput }
  let x = added(hidden, attentionPart, (input) => {
    const { bias, rotary, past, pastHasRoom } = run
    const own = { ...attentionOptions, names: names.attention, bias, rotary, past, pastHasRoom }
    const attended = multiHeadAttention(parameters, input, own)
    present = attended.present
    return normed(names.attentionOutputNorm, attended.output)
  })
  const { crossAttention, crossAttentionNorm } = names
  if (crossAttention && crossAttentionNorm && run.cross) {
    const { keyValues: known, bias } = run.cross
    const own = { ...attentionOptions, names: crossAttention, bias, known }
    x = added(x, { name: crossAttentionNorm }, (input) => multiHeadAttention(parameters, input, own).output)
  }
  x = added(x, { name: names.feedForwardNorm }, (input) => {
    const transformed = feedForward(parameters, input, {
      names: names.feedForward,
      activation: layer.activation,
      dropout: dropout.activation ?? 0,
      training,
      linear: { hasBias: biases.feedForward, isTransposed },
    })
    return normed(names.feedForwardOutputNorm, transformed)
  })
  return { hidden: x, present: present! }
}

/** The parameters of one {@link transformerLayer}. */
export function transformerLayerSpecs(
  names: TransformerLayerNames,
  { sizes, norm, biases, isTransposed = false }: TransformerLayerOptions,
): ParameterSpecs {
  const attention = {
    linear: { hasBias: biases.attention, isTransposed },
    hasOutputBias: biases.attentionOutput,
    norm,
  }
  const normOf = (name: string | undefined) => name && normSpecs(name, sizes.hiddenSize, norm)
  return Object.assign(
    {},
    attentionSpecs(names.attention, sizes, attention),
    normOf(names.attentionNorm),
    normOf(names.attentionOutputNorm),
    names.crossAttention && attentionSpecs(names.crossAttention, sizes, attention),
    normOf(names.crossAttentionNorm),
    feedForwardSpecs(names.feedForward, sizes, { hasBias: biases.feedForward, isTransposed }),
    normOf(names.feedForwardNorm),
    normOf(names.feedForwardOutputNorm),
  ) as ParameterSpecs
}
