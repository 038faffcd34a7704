import type { RopeParameters } from '../blocks/rotary'
import { activationField, parseCommonFields, requireWholeHeads } from './common-fields'
import {
  booleanField,
  choiceField,
  configError,
  integerField,
  positiveField,
  rateField,
  type ConfigJson,
} from './config-fields'
import type { LayerType } from './decoder-config'
import type { ModernBertConfig } from './encoder-config'
import { asFields, formatRopesByType, parseRope } from './rope-fields'

/**
 * Reads the config.json of a ModernBERT checkpoint. Absent fields take the defaults of `ModernBertConfig` in Hugging
 * Face transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseModernBertConfig(json: ConfigJson): ModernBertConfig {
  const hiddenSize = integerField(json, 'hidden_size', { fallback: 768 })
  const numHiddenLayers = integerField(json, 'num_hidden_layers', { fallback: 22 })
  const config: ModernBertConfig = {
    modelType: 'modernbert',
    ...parseCommonFields({ max_position_embeddings: 8192, ...json }, { padTokenId: 50283 }),
    hiddenSize,
    numHiddenLayers,
    numAttentionHeads: integerField(json, 'num_attention_heads', { fallback: 12 }),
    intermediateSize: integerField(json, 'intermediate_size', { fallback: 1152 }),
    hiddenAct: activationField(json, 'hidden_activation', 'gelu'),
    classifierAct: activationField(json, 'classifier_activation', 'gelu'),
    layerNormEpsilon: positiveField(json, 'norm_eps', 1e-5),
    embeddingDropout: rateField(json, 'embedding_dropout', 0),
    hiddenDropout: rateField(json, 'mlp_dropout', 0),
    attentionDropout: rateField(json, 'attention_dropout', 0),
    classifierDropout: rateField(json, 'classifier_dropout', 0),
    normBias: booleanField(json, 'norm_bias', false),
    attentionBias: booleanField(json, 'attention_bias', false),
    mlpBias: booleanField(json, 'mlp_bias', false),
    classifierBias: booleanField(json, 'classifier_bias', false),
    decoderBias: booleanField(json, 'decoder_bias', true),
    classifierPooling: choiceField(json, 'classifier_pooling', { choices: ['cls', 'mean'], fallback: 'cls' }),
    // One side of the window, where it is given, goes first.
    localAttention:
      2 * integerField(json, 'sliding_window', { fallback: 0, minimum: 0 }) ||
      integerField(json, 'local_attention', { fallback: 128 }),
    layerTypes: parseLayerTypes(json, numHiddenLayers),
    rope: parseRopes(json, hiddenSize / integerField(json, 'num_attention_heads', { fallback: 12 })),
  }
  requireWholeHeads(config, 'num_attention_heads')
  return config
}

function parseLayerTypes(json: ConfigJson, numHiddenLayers: number): LayerType[] {
  const period = integerField(json, 'global_attn_every_n_layers', { fallback: 3 })
  const types: unknown = json.layer_types ?? undefined
  if (types === undefined) {
    return Array.from({ length: numHiddenLayers }, (_, index) =>
      index % period === 0 ? 'full_attention' : 'sliding_attention',
    )
  }
  const isKnown = (type: unknown) => type === 'full_attention' || type === 'sliding_attention'
  if (Array.isArray(types) && types.length === numHiddenLayers && types.every(isKnown)) return types
  throw configError('layer_types', {
    expected: `full_attention or sliding_attention for each of ${numHiddenLayers} layers`,
    received: types,
  })
}

function parseRopes(json: ConfigJson, headSize: number): Record<LayerType, RopeParameters> {
  const nested = (json.rope_parameters ?? {}) as Record<string, unknown>
  const context = {
    maxPositionEmbeddings: integerField(json, 'max_position_embeddings', { fallback: 8192 }),
    headSize,
  }
  // transformers lets `rope_scaling` of version 4 override what is nested by layer type.
  const parse = (type: LayerType, theta: number) =>
    parseRope(
      'rope_parameters',
      { ...asFields(nested[type]), ...asFields(json.rope_scaling) },
      { ...context, theta },
    )
  return {
    full_attention: parse('full_attention', positiveField(json, 'global_rope_theta', 160000)),
    sliding_attention: parse('sliding_attention', positiveField(json, 'local_rope_theta', 10000)),
  }
}

/** ModernBERT's own fields of config.json. */
export function formatModernBertConfig(config: ModernBertConfig): Record<string, unknown> {
  return {
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    intermediate_size: config.intermediateSize,
    hidden_activation: config.hiddenAct,
    classifier_activation: config.classifierAct,
    norm_eps: config.layerNormEpsilon,
    embedding_dropout: config.embeddingDropout,
    mlp_dropout: config.hiddenDropout,
    attention_dropout: config.attentionDropout,
    classifier_dropout: config.classifierDropout,
    norm_bias: config.normBias,
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
    classifier_bias: config.classifierBias,
    decoder_bias: config.decoderBias,
    classifier_pooling: config.classifierPooling,
    local_attention: config.localAttention,
    // Read as local_attention.
    ...('sliding_window' in config.source && { sliding_window: undefined }),
    layer_types: config.layerTypes,
    // The spelling of transformers 4 stays beside that of 5 where it was.
    ...(config.source.rope_parameters === undefined && {
      global_rope_theta: config.rope.full_attention.theta,
      local_rope_theta: config.rope.sliding_attention.theta,
    }),
    // What it said stands below, by layer type.
    ...('rope_scaling' in config.source && { rope_scaling: undefined }),
    rope_parameters: formatRopesByType(config.rope),
  }
}
