import { activationField, parseLabels } from './common-fields'
import {
  booleanField,
  choiceField,
  configError,
  integerField,
  positiveField,
  rateField,
  requireField,
  type ConfigJson,
} from './config-fields'
import { formatSequenceFields, parseSequenceFields, type SequenceDefaults } from './sequence-fields'
import type { BartConfig, PositionKind } from './sequence-to-sequence-config'

type ModelType = BartConfig['modelType']

interface Defaults extends SequenceDefaults {
  readonly hiddenAct: 'gelu' | 'relu'
  readonly attentionDropout: number
  readonly layerDrop?: number
  readonly scaleEmbedding: boolean
  readonly positions: PositionKind
  readonly normOrder: 'before' | 'after'
}

const common = { attentionDropout: 0, hiddenAct: 'gelu', scaleEmbedding: false } as const

/** Those of the configuration classes of Hugging Face transformers 5.23, and what their models fix. */
const defaults: Readonly<Record<ModelType, Defaults>> = {
  bart: {
    ...common,
    ...{ vocabSize: 50265, padTokenId: 1, bosTokenId: 0, eosTokenId: 2, decoderStartTokenId: 2 },
    ...{ positions: 'learned', normOrder: 'after' },
  },
  marian: {
    ...common,
    ...{ vocabSize: 58101, padTokenId: 58100, eosTokenId: 0, decoderStartTokenId: 58100 },
    ...{ positions: 'sinusoidal', normOrder: 'after' },
  },
  mbart: {
    ...common,
    ...{ vocabSize: 50265, padTokenId: 1, bosTokenId: 0, eosTokenId: 2 },
    ...{ positions: 'learned', normOrder: 'before' },
  },
  m2m_100: {
    ...{ vocabSize: 128112, padTokenId: 1, bosTokenId: 0, eosTokenId: 2, decoderStartTokenId: 2 },
    ...{ attentionDropout: 0.1, layerDrop: 0.05, hiddenAct: 'relu', scaleEmbedding: true },
    ...{ positions: 'sinusoidal', normOrder: 'before' },
  },
  pegasus: {
    ...common,
    ...{ vocabSize: 50265, padTokenId: 0, eosTokenId: 1, decoderStartTokenId: 0 },
    ...{ positions: 'sinusoidal', normOrder: 'before' },
  },
  tfx_transformer: {
    ...{ vocabSize: 32000, padTokenId: 0, bosTokenId: 1, eosTokenId: 2, decoderStartTokenId: 1 },
    ...{ attentionDropout: 0.1, hiddenAct: 'relu', scaleEmbedding: true },
    ...{ positions: 'sinusoidal', normOrder: 'before' },
  },
}

/**
 * Reads the config.json of BART or a relative.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseBartConfig(json: ConfigJson, modelType: ModelType): BartConfig {
  const own = defaults[modelType]
  requireField(json, 'share_encoder_decoder_embeddings', true)
  requireField(json, 'normalize_embedding', modelType === 'bart' || modelType === 'mbart')
  requireField(json, 'add_final_layer_norm', own.normOrder === 'before')
  requireField(json, 'static_position_embeddings', own.positions === 'sinusoidal')
  const fields = parseSequenceFields(json, own)
  const decoderVocabSize = integerField(json, 'decoder_vocab_size', { fallback: fields.vocabSize })
  if (decoderVocabSize !== fields.vocabSize) {
    throw configError('decoder_vocab_size', {
      expected: String(fields.vocabSize),
      received: decoderVocabSize,
    })
  }
  if (modelType === 'm2m_100' && fields.decoderStartTokenId === fields.padTokenId) {
    // transformers counts positions from the first token that is no padding.
    throw configError('decoder_start_token_id', {
      expected: `another id than that of padding, ${fields.padTokenId}`,
      received: fields.decoderStartTokenId,
    })
  }
  const isOwn = modelType === 'tfx_transformer'
  const config: BartConfig = {
    modelType,
    ...fields,
    // BART's class counts three labels by default.
    ...(modelType === 'bart' && { labels: parseLabels({ num_labels: 3, ...json }) }),
    hiddenSize: integerField(json, 'd_model', { fallback: 1024 }),
    numEncoderLayers: integerField(json, 'encoder_layers', { fallback: 12 }),
    numDecoderLayers: integerField(json, 'decoder_layers', { fallback: 12 }),
    encoderAttentionHeads: integerField(json, 'encoder_attention_heads', { fallback: 16 }),
    decoderAttentionHeads: integerField(json, 'decoder_attention_heads', { fallback: 16 }),
    encoderIntermediateSize: integerField(json, 'encoder_ffn_dim', { fallback: 4096 }),
    decoderIntermediateSize: integerField(json, 'decoder_ffn_dim', { fallback: 4096 }),
    maxPositionEmbeddings: integerField(json, 'max_position_embeddings', { fallback: 1024 }),
    hiddenAct: activationField(json, 'activation_function', own.hiddenAct),
    normEpsilon: 1e-5,
    hiddenDropout: rateField(json, 'dropout', 0.1),
    attentionDropout: rateField(json, 'attention_dropout', own.attentionDropout),
    activationDropout: rateField(json, 'activation_dropout', 0),
    encoderLayerDrop: rateField(json, 'encoder_layerdrop', own.layerDrop ?? 0),
    decoderLayerDrop: rateField(json, 'decoder_layerdrop', own.layerDrop ?? 0),
    initializerRange: positiveField(json, 'init_std', 0.02),
    scaleEmbedding: booleanField(json, 'scale_embedding', own.scaleEmbedding),
    positions: isOwn
      ? choiceField(json, 'position_embedding_type', {
          choices: ['learned', 'sinusoidal'],
          fallback: own.positions,
        })
      : own.positions,
    normOrder: isOwn
      ? choiceField(json, 'norm_order', { choices: ['before', 'after'], fallback: own.normOrder })
      : own.normOrder,
  }
  for (const [heads, field] of [
    [config.encoderAttentionHeads, 'encoder_attention_heads'],
    [config.decoderAttentionHeads, 'decoder_attention_heads'],
  ] as const) {
    if (config.hiddenSize % heads === 0) continue
    throw configError(field, {
      expected: `a divisor of the hidden size ${config.hiddenSize}`,
      received: heads,
    })
  }
  return config
}

/** The fields of BART and its relatives in config.json. */
export function formatBartConfig(config: BartConfig): Record<string, unknown> {
  return {
    ...formatSequenceFields(config),
    d_model: config.hiddenSize,
    encoder_layers: config.numEncoderLayers,
    decoder_layers: config.numDecoderLayers,
    encoder_attention_heads: config.encoderAttentionHeads,
    decoder_attention_heads: config.decoderAttentionHeads,
    encoder_ffn_dim: config.encoderIntermediateSize,
    decoder_ffn_dim: config.decoderIntermediateSize,
    max_position_embeddings: config.maxPositionEmbeddings,
    activation_function: config.hiddenAct,
    dropout: config.hiddenDropout,
    attention_dropout: config.attentionDropout,
    activation_dropout: config.activationDropout,
    encoder_layerdrop: config.encoderLayerDrop,
    decoder_layerdrop: config.decoderLayerDrop,
    init_std: config.initializerRange,
    initializer_range: undefined,
    scale_embedding: config.scaleEmbedding,
    ...(config.modelType === 'tfx_transformer' && {
      position_embedding_type: config.positions,
      norm_order: config.normOrder,
    }),
  }
}
