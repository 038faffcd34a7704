import type { Activation } from '../blocks/layers'
import type { RopeParameters } from '../blocks/rotary'
import type { ProblemType } from './encoder-config'

/** What a decoder is built for; decides which head it has. `feature-extraction` has none. */
export type DecoderTask =
  'feature-extraction' | 'causal-language-modelling' | 'sequence-classification' | 'token-classification'

/** What the configurations of all decoder families have in common. Sizes are element counts, rates in [0, 1). */
interface CommonDecoderConfig {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly numHiddenLayers: number
  readonly numAttentionHeads: number
  readonly intermediateSize: number
  /** The longest sequence in tokens that the model was made for. */
  readonly maxPositionEmbeddings: number
  readonly hiddenAct: Activation
  readonly normEpsilon: number
  /** Rate after the embeddings. */
  readonly embeddingDropout: number
  /** Rate after the attention output and the feed-forward output. */
  readonly hiddenDropout: number
  /** Rate on the attention probabilities. */
  readonly attentionDropout: number
  /** Rate at which the parts of the last layer are left out while training, those of earlier layers at less. Default 0. */
  readonly stochasticDepth?: number
  /** Rate before the classifier of tokens. */
  readonly classifierDropout: number
  /** Standard deviation of new weights. */
  readonly initializerRange: number
  /** Whether the language model scores by the word embeddings themselves. */
  readonly tieWordEmbeddings: boolean
  readonly padTokenId?: number
  readonly bosTokenId?: number
  /** Each of them ends a sequence. */
  readonly eosTokenIds: readonly number[]
  /** Label names by class index. */
  readonly labels: readonly string[]
  readonly problemType?: ProblemType
  /** The config.json that it was read from: keys that tfx does not know are kept when it is written again. */
  readonly source: Readonly<Record<string, unknown>>
}

/** GPT-2: learned positions, LayerNorm in front; `tfx_decoder` is the same with a choice of both. */
export interface Gpt2Config extends CommonDecoderConfig {
  readonly modelType: 'gpt2' | 'tfx_decoder'
  readonly positions: 'learned' | 'sinusoidal'
  readonly normOrder: 'before' | 'after'
  /** Whether scores are divided by √(head size). */
  readonly scaleAttentionWeights: boolean
  /** Whether scores are divided by the number of the layer, from 1. */
  readonly scaleAttentionByLayer: boolean
}

/** How far a layer sees: all tokens, or a window of them. */
export type LayerType = 'full_attention' | 'sliding_attention'

/** Decoders with rotary positions and RMS norms: Llama and its relatives. */
export interface RotaryDecoderConfig extends CommonDecoderConfig {
  readonly modelType: 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gemma2' | 'gemma3_text' | 'phi3'
  readonly numKeyValueHeads: number
  /** Features of a head. */
  readonly headSize: number
  /** One for each layer. */
  readonly layerTypes: readonly LayerType[]
  /** How many tokens back a layer of sliding attention sees, itself included. */
  readonly slidingWindow?: number
  /** Rotary positions of each type of layer. */
  readonly rope: Readonly<Record<LayerType, RopeParameters>>
  /** Whether the attention's projections have biases, beyond those that the family always has. */
  readonly attentionBias: boolean
  /** Whether the feed-forward projections have biases. */
  readonly mlpBias: boolean
  /** Scores are divided by its square root. */
  readonly queryPreAttentionScalar: number
  readonly attentionSoftcap?: number
  readonly logitSoftcap?: number
}

/** The configuration of a decoder. */
export type DecoderConfig = Gpt2Config | RotaryDecoderConfig
