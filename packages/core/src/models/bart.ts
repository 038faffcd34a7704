import type { SequenceStack } from '../blocks/sequence-stack'
import { sinusoidTable } from '../blocks/sinusoidal-positions'
import type { TransformerLayerNames } from '../blocks/transformer-layer'
import { wordScale } from '../blocks/word-embedding'
import { formatBartConfig, parseBartConfig } from '../config/bart-config'
import type { BartConfig } from '../config/sequence-to-sequence-config'
import type { ComputedTable } from './family'
import { sequenceToSequenceFamily, type SequenceToSequenceFamily } from './sequence-to-sequence-family'

type Half = 'encoder' | 'decoder'

/** What tells the relatives of BART apart, beside what their configurations say. */
interface Variant {
  readonly modelType: BartConfig['modelType']
  readonly classPrefix: string
  /** A norm behind the embeddings. */
  readonly hasEmbeddingNorm?: boolean
  readonly hasLogitsBias: boolean
  readonly wrapsLabels?: boolean
}

const attentionNames = (attention: string) => ({
  query: `${attention}.q_proj`,
  key: `${attention}.k_proj`,
  value: `${attention}.v_proj`,
  output: `${attention}.out_proj`,
})

function layerNames(half: Half, index: number): TransformerLayerNames {
  const layer = `model.${half}.layers.${index}`
  return {
    attention: attentionNames(`${layer}.self_attn`),
    attentionNorm: `${layer}.self_attn_layer_norm`,
    ...(half === 'decoder' && {
      crossAttention: attentionNames(`${layer}.encoder_attn`),
      crossAttentionNorm: `${layer}.encoder_attn_layer_norm`,
    }),
    feedForward: { input: `${layer}.fc1`, output: `${layer}.fc2` },
    feedForwardNorm: `${layer}.final_layer_norm`,
  }
}

/** Positions begin at 2 in tables that kept room for padding, and in M2M100 behind the padding's own. */
function positionsOf(config: BartConfig, half: Half): SequenceStack['positions'] {
  if (config.positions === 'sinusoidal') {
    return config.modelType === 'm2m_100'
      ? { kind: 'sinusoidal', spacing: 'tensor2tensor', offset: config.padTokenId + 1 }
      : { kind: 'sinusoidal', spacing: 'paper', offset: 0 }
  }
  const offset = config.modelType === 'tfx_transformer' ? 0 : 2
  const rows = config.maxPositionEmbeddings + offset
  return { kind: 'learned', name: `model.${half}.embed_positions`, rows, offset }
}

function stack(config: BartConfig, half: Half, { hasEmbeddingNorm }: Variant): SequenceStack {
  const isEncoder = half === 'encoder'
  const numAttentionHeads = isEncoder ? config.encoderAttentionHeads : config.decoderAttentionHeads
  const layers = isEncoder ? config.numEncoderLayers : config.numDecoderLayers
  return {
    wordEmbedding: 'model.shared',
    paddingRow: config.padTokenId,
    embeddingScale: wordScale(config),
    positions: positionsOf(config, half),
    ...(hasEmbeddingNorm && { embeddingNorm: `model.${half}.layernorm_embedding` }),
    layers: Array.from({ length: layers }, (_, index) => layerNames(half, index)),
    layer: {
      sizes: {
        hiddenSize: config.hiddenSize,
        numAttentionHeads,
        intermediateSize: isEncoder ? config.encoderIntermediateSize : config.decoderIntermediateSize,
      },
      activation: config.hiddenAct,
      norm: { kind: 'layer', epsilon: config.normEpsilon },
      normOrder: config.normOrder,
      biases: { attention: true, attentionOutput: true, feedForward: true },
      dropout: {
        attention: config.attentionDropout,
        hidden: config.hiddenDropout,
        activation: config.activationDropout,
        depth: config.stochasticDepth,
      },
    },
    layerDrop: isEncoder ? config.encoderLayerDrop : config.decoderLayerDrop,
    scale: (config.hiddenSize / numAttentionHeads) ** -0.5,
    ...(config.normOrder === 'before' && { finalNorm: `model.${half}.layer_norm` }),
  }
}

/** The positions, which Marian and Pegasus have among their weights. */
function sinusoidTables({ maxPositionEmbeddings, hiddenSize }: BartConfig): Record<string, ComputedTable> {
  const table: ComputedTable = {
    shape: [maxPositionEmbeddings, hiddenSize],
    valueAt: sinusoidTable(hiddenSize),
  }
  const nameOf = (half: Half) => `model.${half}.embed_positions.weight`
  return { [nameOf('encoder')]: table, [nameOf('decoder')]: table }
}

function bartFamily(variant: Variant): SequenceToSequenceFamily<BartConfig> {
  const { modelType, classPrefix, hasLogitsBias, wrapsLabels = false } = variant
  const languageModel = modelType === 'marian' ? 'MarianMTModel' : `${classPrefix}ForConditionalGeneration`
  return sequenceToSequenceFamily<BartConfig>({
    modelType,
    backbonePrefix: 'model.',
    classes: [`${classPrefix}Model`, languageModel],
    parseConfig: (json) => parseBartConfig(json, modelType),
    formatConfig: formatBartConfig,
    maxLength: ({ maxPositionEmbeddings }) => maxPositionEmbeddings,
    cacheShape: ({ numDecoderLayers: layers, decoderAttentionHeads: heads, hiddenSize }) => ({
      layers,
      heads,
      headSize: hiddenSize / heads,
    }),
    stacks: (config) => ({
      encoder: stack(config, 'encoder', variant),
      decoder: stack(config, 'decoder', variant),
    }),
    hasLogitsBias,
    wrapsLabels,
    // M2M100's are no part of its checkpoints in transformers either.
    ...((modelType === 'marian' || modelType === 'pegasus') && { computedTables: sinusoidTables }),
  })
}

/** BART ([Lewis et al. 2019](https://arxiv.org/abs/1910.13461)): learned positions, norms behind. */
export const bart = bartFamily({
  modelType: 'bart',
  classPrefix: 'Bart',
  hasEmbeddingNorm: true,
  hasLogitsBias: true,
})

/** Marian, so opus-mt ([Junczys-Dowmunt et al. 2018](https://arxiv.org/abs/1804.00344)): sinusoidal, norms behind. */
export const marian = bartFamily({ modelType: 'marian', classPrefix: 'Marian', hasLogitsBias: true })

/** mBART ([Liu et al. 2020](https://arxiv.org/abs/2001.08210)): learned positions, norms in front. */
export const mbart = bartFamily({
  modelType: 'mbart',
  classPrefix: 'MBart',
  hasEmbeddingNorm: true,
  hasLogitsBias: true,
  wrapsLabels: true,
})

/** M2M100 and NLLB ([Fan et al. 2020](https://arxiv.org/abs/2010.11125)): sinusoidal, norms in front. */
export const m2m100 = bartFamily({ modelType: 'm2m_100', classPrefix: 'M2M100', hasLogitsBias: false })

/** Pegasus ([Zhang et al. 2019](https://arxiv.org/abs/1912.08777)): sinusoidal, norms in front. */
export const pegasus = bartFamily({ modelType: 'pegasus', classPrefix: 'Pegasus', hasLogitsBias: true })

/**
 * The plain Transformer ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)), with sinusoidal or learned positions
 * and norms in front or behind, to be trained from random weights: see `transformerConfig`. No Hugging Face class
 * loads it.
 */
export const transformer = bartFamily({
  modelType: 'tfx_transformer',
  classPrefix: 'Transformer',
  hasLogitsBias: false,
})
