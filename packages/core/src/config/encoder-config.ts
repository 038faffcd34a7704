import type { Activation } from '../blocks/layers'
import type { RopeParameters } from '../blocks/rotary'
import type { LayerType } from './decoder-config'

/**
 * What a model is built for; decides which head it has. `feature-extraction` has none; `pretraining` is masked
 * language modelling plus the pooler of the classifier, which distillation can train.
 */
export type EncoderTask =
  | 'feature-extraction'
  | 'pretraining'
  | 'sequence-classification'
  | 'token-classification'
  | 'masked-language-modelling'

/** What the configurations of all encoder families have in common. Sizes are element counts, rates in [0, 1). */
interface CommonEncoderConfig {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly numHiddenLayers: number
  readonly numAttentionHeads: number
  readonly intermediateSize: number
  /** Rows of the position embeddings. The longest input is `maxLength(config)` of the model family. */
  readonly maxPositionEmbeddings: number
  readonly hiddenAct: Activation
  readonly layerNormEpsilon: number
  /** Rate after the embeddings, the attention output and the feed-forward output. */
  readonly hiddenDropout: number
  /** Rate on the attention probabilities. */
  readonly attentionDropout: number
  /** Rate at which the parts of the last layer are left out while training, those of earlier layers at less. Default 0. */
  readonly stochasticDepth?: number
  /** Rate before the classifier. */
  readonly classifierDropout: number
  /** Standard deviation of new weights. */
  readonly initializerRange: number
  readonly padTokenId: number
  /** Label names by class index. */
  readonly labels: readonly string[]
  readonly problemType?: ProblemType
  /** The config.json that it was read from: keys that tfx does not know are kept when it is written again. */
  readonly source: Readonly<Record<string, unknown>>
}

/** The Hugging Face `problem_type` of a classifier. */
export type ProblemType = 'single_label_classification' | 'multi_label_classification' | 'regression'

/** BERT, and MiniLM, which is a small BERT. */
export interface BertConfig extends CommonEncoderConfig {
  readonly modelType: 'bert'
  /** The number of segment embeddings. */
  readonly typeVocabSize: number
}

/** DistilBERT: no token types and no pooler. */
export interface DistilBertConfig extends CommonEncoderConfig {
  readonly modelType: 'distilbert'
}

/** RoBERTa, and XLM-RoBERTa, which is RoBERTa for many languages. */
export interface RobertaConfig extends CommonEncoderConfig {
  readonly modelType: 'roberta' | 'xlm-roberta'
  /** The number of segment embeddings. */
  readonly typeVocabSize: number
}

/** ELECTRA: embeddings of a size of their own. */
export interface ElectraConfig extends CommonEncoderConfig {
  readonly modelType: 'electra'
  readonly embeddingSize: number
  /** The number of segment embeddings. */
  readonly typeVocabSize: number
}

/** MPNet: relative positions beside the absolute ones. The rate before the classifier is the hidden one. */
export interface MpnetConfig extends CommonEncoderConfig {
  readonly modelType: 'mpnet'
}

/** ALBERT: embeddings of a size of their own, layers that share their weights. */
export interface AlbertConfig extends CommonEncoderConfig {
  readonly modelType: 'albert'
  readonly embeddingSize: number
  /** The number of segment embeddings. */
  readonly typeVocabSize: number
  /** Groups of layers with weights of their own; a group is repeated. */
  readonly numHiddenGroups: number
  /** Layers in a group. */
  readonly innerGroupNum: number
}

/** ModernBERT: rotary positions, windows in most layers, gated feed-forward. The hidden rate is that inside of it. */
export interface ModernBertConfig extends CommonEncoderConfig {
  readonly modelType: 'modernbert'
  readonly classifierAct: Activation
  /** Rate after the embeddings. */
  readonly embeddingDropout: number
  readonly normBias: boolean
  readonly attentionBias: boolean
  readonly mlpBias: boolean
  readonly classifierBias: boolean
  readonly decoderBias: boolean
  /** What the classifier of sequences reads: the first token, or the mean of all. */
  readonly classifierPooling: 'cls' | 'mean'
  /** Width of a window in tokens; one sees half of it on each side. */
  readonly localAttention: number
  /** One for each layer. */
  readonly layerTypes: readonly LayerType[]
  /** Rotary positions of each type of layer. */
  readonly rope: Readonly<Record<LayerType, RopeParameters>>
}

/** DeBERTa-v2 and v3: attention to relative positions. */
export interface DebertaConfig extends CommonEncoderConfig {
  readonly modelType: 'deberta-v2'
  readonly embeddingSize: number
  /** The number of segment embeddings; 0: there are none. */
  readonly typeVocabSize: number
  /** Rate before the pooler. */
  readonly poolerDropout: number
  readonly poolerAct: Activation
  /** Whether absolute positions are added to the words. */
  readonly positionBiasedInput: boolean
  readonly relativeAttention: boolean
  /** The largest distance in tokens that is told apart. */
  readonly maxRelativePositions: number
  /** Distances share logarithmic buckets, this many on each side; 0: none do. */
  readonly positionBuckets: number
  /** Content to position, position to content; scores are scaled by their number also without relative attention. */
  readonly positionAttention: readonly ('c2p' | 'p2c')[]
  /** Whether positions are projected as contents are, and not by projections of their own. */
  readonly sharesAttentionKey: boolean
  /** Whether the embeddings of relative positions are normed. */
  readonly normalizesRelative: boolean
  /** Which names the masked language model's head has. */
  readonly isLegacy: boolean
}

/** The configuration of an encoder. */
export type EncoderConfig =
  | BertConfig
  | DistilBertConfig
  | RobertaConfig
  | ElectraConfig
  | MpnetConfig
  | AlbertConfig
  | ModernBertConfig
  | DebertaConfig
