import { activationNamed, activations } from './common-fields'
import { configError, integerField, positiveField, rateField, type ConfigJson } from './config-fields'
import { formatSequenceFields, parseSequenceFields } from './sequence-fields'
import type { T5Config } from './sequence-to-sequence-config'
import type { Activation } from '../blocks/layers'

/** Those of `T5Config` and `MT5Config` of Hugging Face transformers 5.23. */
const defaults = {
  t5: { vocabSize: 32128, intermediateSize: 2048, layers: 6, heads: 8, projection: 'relu' },
  mt5: { vocabSize: 250112, intermediateSize: 1024, layers: 8, heads: 6, projection: 'gated-gelu' },
} as const

/**
 * Reads the config.json of a T5 checkpoint.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseT5Config(json: ConfigJson, modelType: T5Config['modelType']): T5Config {
  const own = defaults[modelType]
  const fields = parseSequenceFields(json, {
    vocabSize: own.vocabSize,
    padTokenId: 0,
    eosTokenId: 1,
    decoderStartTokenId: 0,
  })
  const numEncoderLayers = integerField(json, 'num_layers', { fallback: own.layers })
  const dropout = rateField(json, 'dropout_rate', 0.1)
  return {
    modelType,
    ...fields,
    // transformers 5 writes true here whatever is tied, and says so in the other field.
    tieWordEmbeddings: fields.tieWordEmbeddings && json.scale_decoder_outputs !== false,
    initializerRange: 0.05 * positiveField(json, 'initializer_factor', 1),
    hiddenSize: integerField(json, 'd_model', { fallback: 512 }),
    headSize: integerField(json, 'd_kv', { fallback: 64 }),
    intermediateSize: integerField(json, 'd_ff', { fallback: own.intermediateSize }),
    numEncoderLayers,
    numDecoderLayers: integerField(json, 'num_decoder_layers', { fallback: numEncoderLayers }),
    numAttentionHeads: integerField(json, 'num_heads', { fallback: own.heads }),
    relativeBuckets: integerField(json, 'relative_attention_num_buckets', { fallback: 32 }),
    relativeMaxDistance: integerField(json, 'relative_attention_max_distance', { fallback: 128 }),
    ...parseProjection(json, own.projection),
    normEpsilon: positiveField(json, 'layer_norm_epsilon', 1e-6),
    hiddenDropout: dropout,
    attentionDropout: dropout,
    activationDropout: dropout,
  }
}

/** `relu`, `gated-gelu`, … : `gated-gelu` means the approximation. */
function parseProjection(json: ConfigJson, fallback: string): Pick<T5Config, 'hiddenAct' | 'isGated'> {
  const value = json.feed_forward_proj ?? fallback
  const isGated = typeof value === 'string' && value.startsWith('gated-')
  const name = isGated ? value.slice('gated-'.length) : value
  const activation = value === 'gated-gelu' ? 'gelu_new' : activationNamed(name)
  if (activation !== undefined) return { hiddenAct: activation, isGated }
  throw configError('feed_forward_proj', {
    expected: `one of ${activations.join(', ')}, perhaps behind 'gated-'`,
    received: value,
  })
}

/** T5's own fields of config.json. */
export function formatT5Config(config: T5Config): Record<string, unknown> {
  return {
    ...formatSequenceFields(config),
    d_model: config.hiddenSize,
    d_kv: config.headSize,
    d_ff: config.intermediateSize,
    num_layers: config.numEncoderLayers,
    num_decoder_layers: config.numDecoderLayers,
    num_heads: config.numAttentionHeads,
    relative_attention_num_buckets: config.relativeBuckets,
    relative_attention_max_distance: config.relativeMaxDistance,
    feed_forward_proj: formatProjection(config.hiddenAct, config.isGated),
    // Derived from it by transformers.
    dense_act_fn: undefined,
    is_gated_act: undefined,
    scale_decoder_outputs: config.tieWordEmbeddings,
    layer_norm_epsilon: config.normEpsilon,
    dropout_rate: config.hiddenDropout,
    initializer_factor: config.initializerRange / 0.05,
    initializer_range: undefined,
  }
}

function formatProjection(activation: Activation, isGated: boolean): string {
  if (!isGated) return activation
  return activation === 'gelu_new' ? 'gated-gelu' : `gated-${activation}`
}
