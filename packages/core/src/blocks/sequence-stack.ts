import { dropout, embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { attentionBias, causalBias, positionsOfMask } from './attention-bias'
import { dropoutLayer, normLayer, normSpecs } from './layers'
import { sourceKeyValues } from './multi-head-attention'
import { embeddingSpecs, parameterOf, type Parameters, type ParameterSpecs } from './parameters'
import { relativePositionBias, type RelativeBucketOptions } from './relative-position'
import type { KeyValues } from './scaled-attention'
import { sinusoidalPositions } from './sinusoidal-positions'
import {
  layerDepth,
  transformerLayer,
  transformerLayerSpecs,
  type TransformerLayerNames,
  type TransformerLayerOptions,
} from './transformer-layer'
import { type ChangeWords, wordEmbedding } from './word-embedding'

/** Where the positions of a stack come from. */
export type StackPositions =
  | { readonly kind: 'learned'; readonly name: string; readonly rows: number; readonly offset: number }
  | { readonly kind: 'sinusoidal'; readonly spacing: 'paper' | 'tensor2tensor'; readonly offset: number }
  | ({ readonly kind: 'relative'; readonly name: string } & RelativeBucketOptions)

/** One half of an encoder-decoder: names of the checkpoint and options. */
export interface SequenceStack {
  /** The embedding that both halves share. */
  readonly wordEmbedding: string
  /** The id of padding, whose row learns nothing from being looked up. Default: none. */
  readonly paddingRow?: number
  readonly embeddingScale: number
  readonly positions: StackPositions
  readonly embeddingNorm?: string
  readonly layers: readonly TransformerLayerNames[]
  /** What all layers have in common. */
  readonly layer: TransformerLayerOptions
  /** Rate at which a layer is left out for the whole batch while training. Default 0. */
  readonly layerDrop?: number
  /** What scores are multiplied with. */
  readonly scale: number
  readonly finalNorm?: string
  /** Dropout behind the final norm too, as in T5. */
  readonly dropsOutput?: boolean
}

/** The tokens that a stack reads, and what its layers look at. */
export interface SequenceStackInputs {
  /** int32 [batch, sequence]: the new tokens. */
  readonly inputIds: tf.Tensor
  /** int32 [batch, total]; 1 = token, 0 = padding; of cached and new tokens. */
  readonly attentionMask: tf.Tensor
  /** True in a decoder, where tokens look back only. */
  readonly isCausal: boolean
  readonly past?: readonly KeyValues[] | undefined
  readonly pastHasRoom?: boolean | undefined
  /** The encoder's keys and values by layer, and its attention mask, int32 [batch, source]. */
  readonly cross?: { keyValues: readonly KeyValues[]; attentionMask: tf.Tensor } | undefined
  /** What is to be done with the words' embeddings. Default: nothing. */
  readonly changeWords?: ChangeWords | undefined
}

/** @returns The last hidden state, float32 [batch, sequence, hidden], and the self-attention's keys and values. */
export function sequenceStack(
  parameters: Parameters,
  inputs: SequenceStackInputs,
  { stack, training }: { stack: SequenceStack; training: boolean },
): { hidden: tf.Tensor; present: KeyValues[] } {
  const { attentionMask, past, pastHasRoom, cross } = inputs
  const [batch, sequence] = inputs.inputIds.shape as [number, number]
  const { layer } = stack
  const { hiddenSize } = layer.sizes
  const drop = (x: tf.Tensor) => dropoutLayer(x, layer.dropout.hidden, training)
  let bias = inputs.isCausal ? causalBias(attentionMask, { sequence }) : attentionBias(attentionMask)
  if (stack.positions.kind === 'relative') {
    const { name, ...buckets } = stack.positions
    bias = tf.add(bias, relativePositionBias(parameters, name, { ...tokenPositions(inputs), ...buckets }))
  }
  const crossBias = cross && attentionBias(cross.attentionMask)
  let hidden = drop(tf.reshape(embedded(parameters, inputs, stack), [batch * sequence, hiddenSize]))
  const present = stack.layers.map((names, index) => {
    const result = transformerLayer(parameters, hidden, {
      names,
      layer,
      batch,
      bias,
      scale: stack.scale,
      past: past?.[index],
      pastHasRoom,
      cross: cross && crossBias && { keyValues: cross.keyValues[index]!, bias: crossBias },
      depth: layerDepth(index, stack.layers.length),
      training,
    })
    hidden = training ? withLayerDrop(hidden, result.hidden, stack.layerDrop) : result.hidden
    return result.present
  })
  if (stack.finalNorm !== undefined) {
    hidden = normLayer(parameters, { ...layer.norm, name: stack.finalNorm }, hidden)
  }
  if (stack.dropsOutput) hidden = drop(hidden)
  return { hidden: tf.reshape(hidden, [batch, sequence, hiddenSize]), present }
}

/** What came out of a layer, or what went in (Fan et al. 2019, [LayerDrop](https://arxiv.org/abs/1909.11556)). */
function withLayerDrop(before: tf.Tensor, after: tf.Tensor, rate = 0): tf.Tensor {
  if (rate === 0) return after
  const isKept = tf.cast(tf.greater(dropout(tf.ones([1, 1]), rate), 0), 'float32')
  return tf.add(tf.mul(after, isKept), tf.mul(before, tf.sub(1, isKept)))
}

/** Words and absolute positions, float32 [batch, sequence, hidden]. */
function embedded(
  parameters: Parameters,
  { inputIds, attentionMask, changeWords: change }: SequenceStackInputs,
  { wordEmbedding: name, paddingRow, embeddingScale: scale, positions, embeddingNorm, layer }: SequenceStack,
): tf.Tensor {
  let sum = wordEmbedding(parameters, inputIds, { name, paddingRow, scale, change })
  if (positions.kind !== 'relative') {
    const counted = positionsOfMask(attentionMask, inputIds.shape[1]!)
    const ids = tf.add(counted, tf.scalar(positions.offset, 'int32'))
    const { hiddenSize: size } = layer.sizes
    sum = tf.add(
      sum,
      positions.kind === 'learned'
        ? embedding(parameterOf(parameters, `${positions.name}.weight`), ids)
        : sinusoidalPositions(ids, { size, spacing: positions.spacing }),
    )
  }
  return embeddingNorm === undefined
    ? sum
    : normLayer(parameters, { ...layer.norm, name: embeddingNorm }, sum)
}

/** All sequences count alike: encoders pad behind their tokens, decoders do not. The new tokens are the last ones. */
function tokenPositions({ inputIds, attentionMask }: SequenceStackInputs) {
  const [sequence, total] = [inputIds.shape[1]!, attentionMask.shape[1]!]
  return { rows: tf.range(total - sequence, total, 1, 'int32'), columns: tf.range(0, total, 1, 'int32') }
}

/** The encoder's keys and values for every layer of a decoder: computed once for each source. */
export function crossKeyValues(
  parameters: Parameters,
  encoderHidden: tf.Tensor,
  { layers, layer }: SequenceStack,
): KeyValues[] {
  const [batch, source, hiddenSize] = encoderHidden.shape as [number, number, number]
  const rows = tf.reshape(encoderHidden, [batch * source, hiddenSize])
  return layers.map(({ crossAttention }) =>
    sourceKeyValues(parameters, rows, {
      names: crossAttention!,
      sizes: layer.sizes,
      batch,
      linear: { hasBias: layer.biases.attention },
    }),
  )
}

/** The parameters of one half; the word embedding is not among them. */
export function sequenceStackSpecs({
  positions,
  embeddingNorm,
  layers,
  layer,
  finalNorm,
}: SequenceStack): ParameterSpecs {
  const { sizes, norm } = layer
  const norms = [embeddingNorm, finalNorm].map((name) => name && normSpecs(name, sizes.hiddenSize, norm))
  return Object.assign(
    {},
    positions.kind === 'learned' && embeddingSpecs(positions.name, [positions.rows, sizes.hiddenSize]),
    positions.kind === 'relative' &&
      embeddingSpecs(positions.name, [positions.buckets, sizes.numAttentionHeads]),
    ...layers.map((names) => transformerLayerSpecs(names, layer)),
    ...norms,
  ) as ParameterSpecs
}
