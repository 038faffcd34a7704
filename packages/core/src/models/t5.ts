import type { SequenceStack } from '../blocks/sequence-stack'
import type { TransformerLayerNames } from '../blocks/transformer-layer'
import { formatT5Config, parseT5Config } from '../config/t5-config'
import type { T5Config } from '../config/sequence-to-sequence-config'
import { sequenceToSequenceFamily, type SequenceToSequenceFamily } from './sequence-to-sequence-family'

const attentionNames = (layer: string) => ({
  query: `${layer}.q`,
  key: `${layer}.k`,
  value: `${layer}.v`,
  output: `${layer}.o`,
})

function layerNames(half: 'encoder' | 'decoder', index: number, isGated: boolean): TransformerLayerNames {
  const block = `${half}.block.${index}.layer`
  const last = half === 'encoder' ? 1 : 2
  const dense = `${block}.${last}.DenseReluDense`
  return {
    attention: attentionNames(`${block}.0.SelfAttention`),
    attentionNorm: `${block}.0.layer_norm`,
    ...(half === 'decoder' && {
      crossAttention: attentionNames(`${block}.1.EncDecAttention`),
      crossAttentionNorm: `${block}.1.layer_norm`,
    }),
    feedForward: isGated
      ? { input: `${dense}.wi_0`, multiplier: `${dense}.wi_1`, output: `${dense}.wo` }
      : { input: `${dense}.wi`, output: `${dense}.wo` },
    feedForwardNorm: `${block}.${last}.layer_norm`,
  }
}

function stack(config: T5Config, half: 'encoder' | 'decoder'): SequenceStack {
  const layers = half === 'encoder' ? config.numEncoderLayers : config.numDecoderLayers
  return {
    wordEmbedding: 'shared',
    embeddingScale: 1,
    positions: {
      kind: 'relative',
      name: `${half}.block.0.layer.0.SelfAttention.relative_attention_bias`,
      buckets: config.relativeBuckets,
      maxDistance: config.relativeMaxDistance,
      bidirectional: half === 'encoder',
    },
    layers: Array.from({ length: layers }, (_, index) => layerNames(half, index, config.isGated)),
    layer: {
      sizes: config,
      activation: config.hiddenAct,
      norm: { kind: 'rms', epsilon: config.normEpsilon },
      biases: { attention: false, attentionOutput: false, feedForward: false },
      dropout: {
        attention: config.attentionDropout,
        hidden: config.hiddenDropout,
        activation: config.activationDropout,
        depth: config.stochasticDepth,
      },
    },
    // The weights are made so that scores need no scale.
    scale: 1,
    finalNorm: `${half}.final_layer_norm`,
    dropsOutput: true,
  }
}

function t5Family(modelType: T5Config['modelType'], classPrefix: string): SequenceToSequenceFamily<T5Config> {
  return sequenceToSequenceFamily<T5Config>({
    modelType,
    backbonePrefix: '',
    classes: [`${classPrefix}Model`, `${classPrefix}ForConditionalGeneration`],
    parseConfig: (json) => parseT5Config(json, modelType),
    formatConfig: formatT5Config,
    // Relative positions have no end; published models were trained on 512 tokens.
    maxLength: () => 512,
    cacheShape: ({ numDecoderLayers: layers, numAttentionHeads: heads, headSize }) => ({
      layers,
      heads,
      headSize,
    }),
    stacks: (config) => ({ encoder: stack(config, 'encoder'), decoder: stack(config, 'decoder') }),
    hasLogitsBias: false,
    tiesMissingHead: true,
    outputScale: (config) => (modelType === 't5' && config.tieWordEmbeddings ? config.hiddenSize ** -0.5 : 1),
  })
}

/** T5, version 1.1 and Flan-T5 ([Raffel et al. 2019](https://arxiv.org/abs/1910.10683)), as `T5ForConditionalGeneration`. */
export const t5 = t5Family('t5', 'T5')

/** mT5 ([Xue et al. 2020](https://arxiv.org/abs/2010.11934)): version 1.1 for many languages. */
export const mt5 = t5Family('mt5', 'MT5')
