import { embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { causalBias, positionsOfMask } from './attention-bias'
import {
  layerDepth,
  transformerLayer,
  transformerLayerSpecs,
  type TransformerLayerNames,
  type TransformerLayerOptions,
} from './transformer-layer'
import { type ChangeWords, wordEmbedding } from './word-embedding'
import { dropoutLayer, normLayer, normSpecs } from './layers'
import { embeddingSpecs, parameterOf, type Parameters, type ParameterSpecs } from './parameters'
import { rotaryTables, type RopeParameters, type RotaryTables } from './rotary'
import type { KeyValues } from './scaled-attention'
import { sinusoidalPositions } from './sinusoidal-positions'

/** One layer of a {@link DecoderStack}: its names and what differs between layers. */
export interface DecoderStackLayer {
  readonly names: TransformerLayerNames
  /** What scores are multiplied with. */
  readonly scale: number
  /** Rotary positions, where the model has them. */
  readonly rope?: RopeParameters
  /** How many tokens back the layer sees, itself included. Default: all. */
  readonly window?: number | undefined
}

/** How one decoder differs from the others: names of the checkpoint and options. */
export interface DecoderStack {
  readonly wordEmbedding: string
  readonly vocabSize: number
  /** The id of padding, whose row of the word embeddings starts as 0. Default: none. */
  readonly paddingRow?: number | undefined
  /** What embeddings are multiplied with. Default 1. */
  readonly embeddingScale?: number
  readonly embeddingDropout: number
  /** An embedding of positions, and its rows. Default: none. */
  readonly positionEmbedding?: { readonly name: string; readonly rows: number }
  /** Sinusoids for positions. Default false. */
  readonly hasSinusoidalPositions?: boolean
  readonly layers: readonly DecoderStackLayer[]
  /** What all layers have in common. */
  readonly layer: TransformerLayerOptions
  /** Default: none. */
  readonly finalNorm?: string
}

/** The inputs of a decoder. */
export interface DecoderInputs {
  /** int32 [batch, sequence]: the new tokens. */
  readonly inputIds: tf.Tensor
  /** int32 [batch, total]; 1 = token, 0 = padding; of cached and new tokens. */
  readonly attentionMask: tf.Tensor
  /** int32 [batch, sequence]. Default: tokens are counted from 0, padding is not. */
  readonly positionIds?: tf.Tensor | undefined
  /** Keys and values of cached tokens by layer, as an earlier run returned them. Default: none. */
  readonly past?: readonly KeyValues[] | undefined
  /** Whether the past has room behind its tokens, where the new ones are written. Default false. */
  readonly pastHasRoom?: boolean | undefined
  /** What is to be done with the words' embeddings. Default: nothing. */
  readonly changeWords?: ChangeWords | undefined
}

/** What a decoder computes. */
export interface DecoderOutputs {
  /** The last hidden state, float32 [batch, sequence, hidden]. */
  readonly hidden: tf.Tensor
  /** Keys and values of all tokens by layer; in the place of the past, if it has room. */
  readonly present: readonly KeyValues[]
}

/** Embeddings, pre-norm causal layers and a final norm: GPT-2, Llama and everything like them. */
export function decoderStack(
  parameters: Parameters,
  { inputIds, attentionMask, positionIds, past, pastHasRoom, changeWords: change }: DecoderInputs,
  { stack, training }: { stack: DecoderStack; training: boolean },
): DecoderOutputs {
  const [batch, sequence] = inputIds.shape as [number, number]
  const { layer } = stack
  const positions = positionIds ?? positionsOfMask(attentionMask, sequence)
  const { wordEmbedding: name, paddingRow, embeddingScale: scale } = stack
  let embedded = wordEmbedding(parameters, inputIds, { name, paddingRow, scale, change })
  if (stack.positionEmbedding) {
    const table = parameterOf(parameters, `${stack.positionEmbedding.name}.weight`)
    embedded = tf.add(embedded, embedding(table, positions))
  }
  const { hiddenSize } = layer.sizes
  if (stack.hasSinusoidalPositions) {
    embedded = tf.add(embedded, sinusoidalPositions(positions, { size: hiddenSize, spacing: 'paper' }))
  }
  let hidden = tf.reshape(embedded, [batch * sequence, hiddenSize])
  hidden = dropoutLayer(hidden, stack.embeddingDropout, training)
  const headSize = layer.sizes.headSize ?? hiddenSize / layer.sizes.numAttentionHeads
  // Layers share their tables: one for each kind of positions, one for each window.
  const tables = new Map<RopeParameters, RotaryTables>()
  const biases = new Map<number | undefined, tf.Tensor>()
  const present = stack.layers.map(({ names, scale, rope, window }, index) => {
    if (rope && !tables.has(rope)) tables.set(rope, rotaryTables(positions, { rope, headSize }))
    if (!biases.has(window)) biases.set(window, causalBias(attentionMask, { sequence, window }))
    const result = transformerLayer(parameters, hidden, {
      names,
      layer,
      batch,
      bias: biases.get(window)!,
      scale,
      rotary: rope && tables.get(rope),
      past: past?.[index],
      pastHasRoom,
      depth: layerDepth(index, stack.layers.length),
      training,
    })
    hidden = result.hidden
    return result.present
  })
  const { finalNorm } = stack
  const normed =
    finalNorm === undefined ? hidden : normLayer(parameters, { ...layer.norm, name: finalNorm }, hidden)
  return { hidden: tf.reshape(normed, [batch, sequence, hiddenSize]), present }
}

/** The parameters of a {@link decoderStack}. */
export function decoderStackSpecs(stack: DecoderStack): ParameterSpecs {
  const { hiddenSize } = stack.layer.sizes
  const { positionEmbedding } = stack
  return Object.assign(
    {},
    embeddingSpecs(stack.wordEmbedding, [stack.vocabSize, hiddenSize], stack.paddingRow),
    positionEmbedding && embeddingSpecs(positionEmbedding.name, [positionEmbedding.rows, hiddenSize]),
    ...stack.layers.map(({ names }) => transformerLayerSpecs(names, stack.layer)),
    stack.finalNorm !== undefined && normSpecs(stack.finalNorm, hiddenSize, stack.layer.norm),
  ) as ParameterSpecs
}
