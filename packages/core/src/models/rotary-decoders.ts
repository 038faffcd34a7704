import type { TransformerLayerNames } from '../blocks/transformer-layer'
import { wordScale } from '../blocks/word-embedding'
import type { RotaryDecoderConfig } from '../config/decoder-config'
import { formatRotaryDecoderConfig, parseRotaryDecoderConfig } from '../config/rotary-decoder-config'
import { decoderFamily, type DecoderFamily } from './decoder-family'

/** What tells the relatives of Llama apart. */
interface Variant {
  readonly modelType: RotaryDecoderConfig['modelType']
  readonly classPrefix: string
  readonly languageModelClass?: string
  /** Queries and keys are normed by head. */
  readonly hasHeadNorms?: boolean
  /** Queries, keys and values are one projection, and so are gate and multiplier. */
  readonly isFused?: boolean
  /** Norms behind attention and feed-forward too, RMS weights that start at 0, scaled embeddings. */
  readonly isGemma?: boolean
  /** Queries, keys and values always have biases. */
  readonly hasAttentionBias?: boolean
}

function layerNames(index: number, { hasHeadNorms, isFused, isGemma }: Variant): TransformerLayerNames {
  const layer = `model.layers.${index}`
  const attention = `${layer}.self_attn`
  const mlp = `${layer}.mlp`
  return {
    attention: {
      ...(isFused
        ? { fused: `${attention}.qkv_proj` }
        : { query: `${attention}.q_proj`, key: `${attention}.k_proj`, value: `${attention}.v_proj` }),
      output: `${attention}.o_proj`,
      ...(hasHeadNorms && { queryNorm: `${attention}.q_norm`, keyNorm: `${attention}.k_norm` }),
    },
    feedForward: isFused
      ? { input: `${mlp}.gate_up_proj`, output: `${mlp}.down_proj`, isFused }
      : { input: `${mlp}.gate_proj`, multiplier: `${mlp}.up_proj`, output: `${mlp}.down_proj` },
    attentionNorm: `${layer}.input_layernorm`,
    ...(isGemma
      ? {
          attentionOutputNorm: `${layer}.post_attention_layernorm`,
          feedForwardNorm: `${layer}.pre_feedforward_layernorm`,
          feedForwardOutputNorm: `${layer}.post_feedforward_layernorm`,
        }
      : { feedForwardNorm: `${layer}.post_attention_layernorm` }),
  }
}

function rotaryDecoder(variant: Variant): DecoderFamily<RotaryDecoderConfig> {
  const { modelType, classPrefix, languageModelClass, isGemma = false, hasAttentionBias = false } = variant
  return decoderFamily<RotaryDecoderConfig>({
    modelType,
    classPrefix,
    ...(languageModelClass !== undefined && { languageModelClass }),
    backbonePrefix: 'model.',
    tokenClassifier: 'score',
    parseConfig: (json) => parseRotaryDecoderConfig(json, modelType),
    formatConfig: formatRotaryDecoderConfig,
    cacheShape: ({ numHiddenLayers: layers, numKeyValueHeads: heads, headSize }) => ({
      layers,
      heads,
      headSize,
    }),
    stack: (config) => ({
      wordEmbedding: 'model.embed_tokens',
      vocabSize: config.vocabSize,
      paddingRow: config.padTokenId,
      embeddingScale: wordScale(config),
      embeddingDropout: config.embeddingDropout,
      layers: config.layerTypes.map((type, index) => ({
        names: layerNames(index, variant),
        scale: config.queryPreAttentionScalar ** -0.5,
        rope: config.rope[type],
        window: type === 'sliding_attention' ? config.slidingWindow : undefined,
      })),
      layer: {
        sizes: config,
        activation: config.hiddenAct,
        norm: { kind: 'rms', epsilon: config.normEpsilon, weightOffset: isGemma ? 1 : 0 },
        biases: {
          attention: hasAttentionBias || config.attentionBias,
          attentionOutput: config.attentionBias,
          feedForward: config.mlpBias,
        },
        dropout: {
          attention: config.attentionDropout,
          hidden: config.hiddenDropout,
          depth: config.stochasticDepth,
        },
        softcap: config.attentionSoftcap,
      },
      finalNorm: 'model.norm',
    }),
  })
}

/** Llama 1 to 3 ([Touvron et al. 2023](https://arxiv.org/abs/2302.13971)), so SmolLM2 and TinyLlama too. */
export const llama = rotaryDecoder({ modelType: 'llama', classPrefix: 'Llama' })

/** Mistral ([Jiang et al. 2023](https://arxiv.org/abs/2310.06825)): a sliding window. */
export const mistral = rotaryDecoder({ modelType: 'mistral', classPrefix: 'Mistral' })

/** Qwen2 and 2.5 ([Yang et al. 2024](https://arxiv.org/abs/2407.10671)): biases of queries, keys and values. */
export const qwen2 = rotaryDecoder({ modelType: 'qwen2', classPrefix: 'Qwen2', hasAttentionBias: true })

/** Qwen3 ([Yang et al. 2025](https://arxiv.org/abs/2505.09388)): norms of queries and keys. */
export const qwen3 = rotaryDecoder({ modelType: 'qwen3', classPrefix: 'Qwen3', hasHeadNorms: true })

/** Gemma 2 ([Riviere et al. 2024](https://arxiv.org/abs/2408.00118)): soft caps, every other layer a window. */
export const gemma2 = rotaryDecoder({ modelType: 'gemma2', classPrefix: 'Gemma2', isGemma: true })

/** The text model of Gemma 3 ([Kamath et al. 2025](https://arxiv.org/abs/2503.19786)): rotary bases by layer type. */
export const gemma3 = rotaryDecoder({
  modelType: 'gemma3_text',
  classPrefix: 'Gemma3Text',
  languageModelClass: 'Gemma3ForCausalLM',
  hasHeadNorms: true,
  isGemma: true,
})

/** Phi-3 ([Abdin et al. 2024](https://arxiv.org/abs/2404.14219)): fused projections, LongRoPE. */
export const phi3 = rotaryDecoder({ modelType: 'phi3', classPrefix: 'Phi3', isFused: true })
