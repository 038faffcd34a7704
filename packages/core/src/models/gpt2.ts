import type { TransformerLayerNames } from '../blocks/transformer-layer'
import type { Gpt2Config } from '../config/decoder-config'
import { formatGpt2Config, parseGpt2Config } from '../config/gpt2-config'
import { decoderFamily, type DecoderFamily } from './decoder-family'

function layerNames(index: number): TransformerLayerNames {
  const layer = `transformer.h.${index}`
  return {
    attention: { fused: `${layer}.attn.c_attn`, output: `${layer}.attn.c_proj` },
    feedForward: { input: `${layer}.mlp.c_fc`, output: `${layer}.mlp.c_proj` },
    attentionNorm: `${layer}.ln_1`,
    feedForwardNorm: `${layer}.ln_2`,
  }
}

function gpt2Family(
  modelType: Gpt2Config['modelType'],
  classes: { classPrefix: string; languageModelClass: string },
): DecoderFamily<Gpt2Config> {
  return decoderFamily<Gpt2Config>({
    modelType,
    ...classes,
    backbonePrefix: 'transformer.',
    tokenClassifier: 'classifier',
    parseConfig: (json) => parseGpt2Config(json, modelType),
    formatConfig: formatGpt2Config,
    cacheShape: ({ numHiddenLayers: layers, numAttentionHeads: heads, hiddenSize }) => ({
      layers,
      heads,
      headSize: hiddenSize / heads,
    }),
    stack: (config) => ({
      wordEmbedding: 'transformer.wte',
      vocabSize: config.vocabSize,
      embeddingDropout: config.embeddingDropout,
      // Sinusoids are as large as 1: words are scaled to them, as in the paper.
      ...(config.positions === 'learned'
        ? { positionEmbedding: { name: 'transformer.wpe', rows: config.maxPositionEmbeddings } }
        : { embeddingScale: Math.sqrt(config.hiddenSize), hasSinusoidalPositions: true }),
      layers: Array.from({ length: config.numHiddenLayers }, (_, index) => ({
        names: layerNames(index),
        scale: scaleOf(config, index),
      })),
      layer: {
        sizes: config,
        activation: config.hiddenAct,
        norm: { kind: 'layer', epsilon: config.normEpsilon },
        normOrder: config.normOrder,
        biases: { attention: true, attentionOutput: true, feedForward: true },
        dropout: {
          attention: config.attentionDropout,
          hidden: config.hiddenDropout,
          depth: config.stochasticDepth,
        },
        isTransposed: true,
      },
      ...(config.normOrder === 'before' && { finalNorm: 'transformer.ln_f' }),
    }),
  })
}

/**
 * GPT-2 ([Radford et al. 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)),
 * as `GPT2Model` with its heads of Hugging Face transformers.
 */
export const gpt2 = gpt2Family('gpt2', { classPrefix: 'GPT2', languageModelClass: 'GPT2LMHeadModel' })

/**
 * A plain decoder with sinusoidal or learned positions and norms in front or behind, to be trained from random weights:
 * see `decoderTransformerConfig`. No Hugging Face class loads it.
 */
export const decoderTransformer = gpt2Family('tfx_decoder', {
  classPrefix: 'DecoderTransformer',
  languageModelClass: 'DecoderTransformerForCausalLM',
})

function scaleOf(config: Gpt2Config, index: number): number {
  const byLayer = config.scaleAttentionByLayer ? index + 1 : 1
  const bySize = config.scaleAttentionWeights ? Math.sqrt(config.hiddenSize / config.numAttentionHeads) : 1
  return 1 / (byLayer * bySize)
}
