import type { RopeParameters } from '../blocks/rotary'
import type { Activation } from '../blocks/layers'
import { activationField } from './common-fields'
import {
  booleanField,
  configError,
  integerField,
  optionalPositiveField,
  positiveField,
  rateField,
  requireField,
  type ConfigJson,
} from './config-fields'
import type { LayerType, RotaryDecoderConfig } from './decoder-config'
import { parseDecoderFields } from './decoder-fields'
import { asFields, formatRopesByType, formatRopeScaling, parseRope } from './rope-fields'
import { rotaryDecoderDefaults, type RotaryDecoderDefaults } from './rotary-decoder-defaults'
import { formatWritingFields } from './token-fields'

type ModelType = RotaryDecoderConfig['modelType']

const isGemma = (modelType: ModelType) => modelType.startsWith('gemma')
const hasLayerTypes = (modelType: ModelType) => modelType.startsWith('qwen') || isGemma(modelType)

/**
 * Reads the config.json of Llama or a relative. Absent fields take the defaults of the family's class in Hugging Face
 * transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseRotaryDecoderConfig(json: ConfigJson, modelType: ModelType): RotaryDecoderConfig {
  const own = rotaryDecoderDefaults[modelType]
  requireField(json, 'use_bidirectional_attention', false)
  const hiddenSize = integerField(json, 'hidden_size', { fallback: own.hiddenSize })
  const numAttentionHeads = integerField(json, 'num_attention_heads', { fallback: own.numAttentionHeads })
  const keyValueHeads = json.num_key_value_heads === null ? undefined : own.numKeyValueHeads
  const numKeyValueHeads = integerField(json, 'num_key_value_heads', {
    fallback: keyValueHeads ?? numAttentionHeads,
  })
  if (numAttentionHeads % numKeyValueHeads !== 0) {
    throw configError('num_key_value_heads', {
      expected: `a divisor of the ${numAttentionHeads} attention heads`,
      received: numKeyValueHeads,
    })
  }
  const headSize = integerField(json, 'head_dim', {
    fallback: own.headSize ?? hiddenSize / numAttentionHeads,
  })
  const numHiddenLayers = integerField(json, 'num_hidden_layers', { fallback: own.numHiddenLayers })
  const maxPositionEmbeddings = integerField(json, 'max_position_embeddings', {
    fallback: own.maxPositionEmbeddings,
  })
  const slidingWindow = parseSlidingWindow(json, modelType)
  // Gemma 3's attention passes it over.
  const attentionSoftcap =
    modelType === 'gemma2' && optionalPositiveField(json, 'attn_logit_softcapping', own.attentionSoftcap)
  const logitSoftcap =
    isGemma(modelType) && optionalPositiveField(json, 'final_logit_softcapping', own.logitSoftcap)
  const isPhi = modelType === 'phi3'
  return {
    modelType,
    ...parseDecoderFields(json, own),
    hiddenSize,
    numHiddenLayers,
    numAttentionHeads,
    numKeyValueHeads,
    headSize,
    intermediateSize: integerField(json, 'intermediate_size', { fallback: own.intermediateSize }),
    maxPositionEmbeddings,
    hiddenAct: parseActivation(json, own),
    normEpsilon: positiveField(json, 'rms_norm_eps', own.normEpsilon ?? 1e-6),
    embeddingDropout: isPhi ? rateField(json, 'embd_pdrop', 0) : 0,
    hiddenDropout: isPhi ? rateField(json, 'resid_pdrop', 0) : 0,
    attentionDropout: rateField(json, 'attention_dropout', 0),
    classifierDropout: rateField(json, 'classifier_dropout', rateField(json, 'hidden_dropout', 0.1)),
    layerTypes: parseLayerTypes(json, { modelType, numHiddenLayers, slidingWindow }),
    ...(slidingWindow !== undefined && { slidingWindow }),
    rope: parseRopes(json, { modelType, maxPositionEmbeddings, headSize }),
    attentionBias: modelType in takesAttentionBias && booleanField(json, 'attention_bias', false),
    mlpBias: modelType === 'llama' && booleanField(json, 'mlp_bias', false),
    queryPreAttentionScalar: isGemma(modelType)
      ? positiveField(json, 'query_pre_attn_scalar', 256)
      : headSize,
    ...(attentionSoftcap && { attentionSoftcap }),
    ...(logitSoftcap && { logitSoftcap }),
  }
}

const takesAttentionBias = { llama: true, qwen3: true, gemma2: true, gemma3_text: true }

/** Gemma has its own spelling. */
function parseActivation(json: ConfigJson, own: RotaryDecoderDefaults): Activation {
  const [field, fallback] = own.hiddenAct
    ? (['hidden_activation', own.hiddenAct] as const)
    : (['hidden_act', 'silu'] as const)
  return activationField(json, field, fallback)
}

function parseSlidingWindow(json: ConfigJson, modelType: ModelType): number | undefined {
  if (modelType === 'llama') return undefined
  if (modelType.startsWith('qwen') && !booleanField(json, 'use_sliding_window', false)) return undefined
  return optionalPositiveField(json, 'sliding_window', rotaryDecoderDefaults[modelType].slidingWindow)
}

function parseLayerTypes(
  json: ConfigJson,
  {
    modelType,
    numHiddenLayers,
    slidingWindow,
  }: { modelType: ModelType; numHiddenLayers: number; slidingWindow: number | undefined },
): LayerType[] {
  const isSliding = slidingRule(json, modelType)
  // The other classes pass it over.
  const types = hasLayerTypes(modelType) ? (json.layer_types ?? undefined) : undefined
  if (types === undefined) {
    return Array.from({ length: numHiddenLayers }, (_, index) =>
      slidingWindow !== undefined && isSliding(index) ? 'sliding_attention' : 'full_attention',
    )
  }
  const isKnown = (type: unknown) =>
    type === 'full_attention' || (type === 'sliding_attention' && slidingWindow !== undefined)
  if (Array.isArray(types) && types.length === numHiddenLayers && types.every(isKnown))
    return types as LayerType[]
  throw configError('layer_types', {
    expected: `full_attention or sliding_attention (with a sliding_window) for each of ${numHiddenLayers} layers`,
    received: types,
  })
}

/** Which layers see a window only, where config.json does not list them. */
function slidingRule(json: ConfigJson, modelType: ModelType): (layer: number) => boolean {
  if (modelType.startsWith('qwen')) {
    const first = integerField(json, 'max_window_layers', { fallback: 28, minimum: 0 })
    return (layer) => layer >= first
  }
  if (modelType === 'gemma2') return (layer) => layer % 2 === 0
  if (modelType === 'gemma3_text') {
    const period = integerField(json, 'sliding_window_pattern', { fallback: 6 })
    return (layer) => (layer + 1) % period !== 0
  }
  return () => true
}

function parseRopes(
  json: ConfigJson,
  {
    modelType,
    maxPositionEmbeddings,
    headSize,
  }: { modelType: ModelType; maxPositionEmbeddings: number; headSize: number },
): Record<LayerType, RopeParameters> {
  const original = optionalPositiveField(json, 'original_max_position_embeddings')
  const context = {
    theta: positiveField(json, 'rope_theta', modelType === 'gemma3_text' ? 1e6 : 1e4),
    maxPositionEmbeddings,
    partialRotaryFactor: optionalPositiveField(json, 'partial_rotary_factor'),
    originalMaxPositionEmbeddings: original ?? (modelType === 'phi3' ? 4096 : undefined),
    headSize,
    isPartial: modelType === 'phi3',
    namesLongRopeYarn: modelType === 'phi3',
  }
  const scaling = isEmpty(json.rope_scaling) ? undefined : json.rope_scaling
  const field = scaling === undefined ? 'rope_parameters' : 'rope_scaling'
  if (modelType !== 'gemma3_text') {
    const rope = parseRope(field, scaling ?? json.rope_parameters, context)
    return { full_attention: rope, sliding_attention: rope }
  }
  const nested = asFields(json.rope_parameters)
  const local = positiveField(json, 'rope_local_base_freq', 1e4)
  return {
    full_attention: parseRope(
      field,
      scaling !== undefined && typeof scaling !== 'object'
        ? scaling
        : { ...asFields(nested.full_attention), ...asFields(scaling) },
      context,
    ),
    sliding_attention: parseRope(field, nested.sliding_attention, { ...context, theta: local }),
  }
}

const isEmpty = (value: unknown) =>
  (value ?? undefined) === undefined ||
  (typeof value === 'object' && Object.keys(asFields(value)).length === 0)

/** The fields of Llama and its relatives in config.json, in the spelling that transformers 4 and 5 both read. */
export function formatRotaryDecoderConfig(config: RotaryDecoderConfig): Record<string, unknown> {
  const { modelType, rope } = config
  const full = rope.full_attention
  return {
    ...formatWritingFields(config),
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headSize,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositionEmbeddings,
    [rotaryDecoderDefaults[modelType].hiddenAct ? 'hidden_activation' : 'hidden_act']: config.hiddenAct,
    rms_norm_eps: config.normEpsilon,
    attention_dropout: config.attentionDropout,
    classifier_dropout: config.classifierDropout,
    rope_theta: full.theta,
    rope_scaling: formatRopeScaling(full) ?? null,
    // The spelling of transformers 5 says the same again, and is not written but for what that of 4 has no field for.
    rope_parameters:
      modelType === 'gemma3_text' && rope.sliding_attention.type !== 'default'
        ? formatRopesByType(rope)
        : undefined,
    ...(full.partialRotaryFactor !== 1 && { partial_rotary_factor: full.partialRotaryFactor }),
    ...(modelType === 'gemma3_text' && { rope_local_base_freq: rope.sliding_attention.theta }),
    ...(modelType in takesAttentionBias && { attention_bias: config.attentionBias }),
    ...(modelType === 'llama'
      ? { mlp_bias: config.mlpBias }
      : { sliding_window: config.slidingWindow ?? null }),
    ...(modelType.startsWith('qwen') && { use_sliding_window: config.slidingWindow !== undefined }),
    ...(hasLayerTypes(modelType) && { layer_types: config.layerTypes }),
    ...(modelType === 'phi3' && { embd_pdrop: config.embeddingDropout, resid_pdrop: config.hiddenDropout }),
    ...(modelType === 'gemma2' && { attn_logit_softcapping: config.attentionSoftcap ?? null }),
    ...(isGemma(modelType) && {
      query_pre_attn_scalar: config.queryPreAttentionScalar,
      final_logit_softcapping: config.logitSoftcap ?? null,
    }),
  }
}
