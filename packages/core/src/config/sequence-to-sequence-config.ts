import type { Activation } from '../blocks/layers'
import type { ProblemType } from './encoder-config'

/** What an encoder-decoder is built for. `feature-extraction` has no head. */
export type SequenceToSequenceTask = 'feature-extraction' | 'sequence-to-sequence'

/** What the configurations of all encoder-decoders have in common. Sizes are element counts, rates in [0, 1). */
interface CommonSequenceToSequenceConfig {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly numEncoderLayers: number
  readonly numDecoderLayers: number
  readonly hiddenAct: Activation
  readonly normEpsilon: number
  /** Rate after the embeddings, the attention outputs and the feed-forward output. */
  readonly hiddenDropout: number
  /** Rate on the attention probabilities. */
  readonly attentionDropout: number
  /** Rate inside the feed-forward network. */
  readonly activationDropout: number
  /** Rate at which the parts of the last layer are left out while training, those of earlier layers at less. Default 0. */
  readonly stochasticDepth?: number
  /** Standard deviation of new weights. */
  readonly initializerRange: number
  /** Whether the scores are made by the word embeddings themselves. */
  readonly tieWordEmbeddings: boolean
  readonly padTokenId: number
  readonly bosTokenId?: number
  /** Each of them ends a sequence. */
  readonly eosTokenIds: readonly number[]
  /** What the decoder starts with; absent where each target has its own (mBART). */
  readonly decoderStartTokenId?: number
  /** Label names by class index: kept, not used. */
  readonly labels: readonly string[]
  readonly problemType?: ProblemType
  /** The config.json that it was read from: keys that tfx does not know are kept when it is written again. */
  readonly source: Readonly<Record<string, unknown>>
}

/** T5, its version 1.1, Flan-T5 and mT5: relative positions, RMS norms in front. */
export interface T5Config extends CommonSequenceToSequenceConfig {
  readonly modelType: 't5' | 'mt5'
  readonly numAttentionHeads: number
  /** Features of a head. */
  readonly headSize: number
  readonly intermediateSize: number
  /** Whether the feed-forward network is gated, as from version 1.1 on. */
  readonly isGated: boolean
  readonly relativeBuckets: number
  readonly relativeMaxDistance: number
}

/** Where positions come from. */
export type PositionKind = 'learned' | 'sinusoidal'

/** BART and its relatives: absolute positions, LayerNorms in front (mBART, M2M100, Pegasus) or behind. */
export interface BartConfig extends CommonSequenceToSequenceConfig {
  readonly modelType: 'bart' | 'marian' | 'mbart' | 'm2m_100' | 'pegasus' | 'tfx_transformer'
  readonly encoderAttentionHeads: number
  readonly decoderAttentionHeads: number
  readonly encoderIntermediateSize: number
  readonly decoderIntermediateSize: number
  readonly maxPositionEmbeddings: number
  /** Rates at which a layer is left out for the whole batch while training. */
  readonly encoderLayerDrop: number
  readonly decoderLayerDrop: number
  /** Whether word embeddings are multiplied with √(hidden size). */
  readonly scaleEmbedding: boolean
  /** What the families fix, and `tfx_transformer` leaves open. */
  readonly positions: PositionKind
  readonly normOrder: 'before' | 'after'
}

/** The configuration of an encoder-decoder. */
export type SequenceToSequenceConfig = T5Config | BartConfig
