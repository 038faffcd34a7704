import { formatBertFields, parseBertFields } from './bert-fields'
import { activationField } from './common-fields'
import { booleanField, configError, integerField, rateField, type ConfigJson } from './config-fields'
import type { DebertaConfig } from './encoder-config'

/**
 * Reads the config.json of a DeBERTa-v2 or v3 checkpoint. Absent fields take the defaults of `DebertaV2Config` in
 * Hugging Face transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseDebertaConfig(json: ConfigJson): DebertaConfig {
  const variant = 'tfx does not compute this variant; choose a checkpoint without it.'
  const convolution = integerField(json, 'conv_kernel_size', { fallback: 0, minimum: 0 })
  if (convolution > 0)
    throw configError('conv_kernel_size', { expected: '0', received: convolution, remedy: variant })
  const fields = parseBertFields(
    { layer_norm_eps: 1e-7, ...json },
    { hiddenSize: 1536, numAttentionHeads: 24, intermediateSize: 6144 },
  )
  requireSame(json, 'pooler_hidden_size', fields.hiddenSize)
  requireSame(json, 'attention_head_size', fields.hiddenSize / fields.numAttentionHeads)
  const numHiddenLayers = integerField(json, 'num_hidden_layers', { fallback: 24 })
  const relativeAttention = booleanField(json, 'relative_attention', false)
  const largest = json.max_relative_positions
  const embeddingSize = integerField(json, 'embedding_size', { fallback: fields.hiddenSize })
  const isLegacy = booleanField(json, 'legacy', true)
  if (!isLegacy) requireSame(json, 'embedding_size', fields.hiddenSize)
  return {
    modelType: 'deberta-v2',
    ...fields,
    numHiddenLayers,
    classifierDropout: rateField(json, 'cls_dropout', fields.hiddenDropout),
    poolerDropout: rateField(json, 'pooler_dropout', 0),
    poolerAct: activationField(json, 'pooler_hidden_act', 'gelu'),
    embeddingSize,
    typeVocabSize: integerField(json, 'type_vocab_size', { fallback: 0, minimum: 0 }),
    positionBiasedInput: booleanField(json, 'position_biased_input', true),
    relativeAttention,
    maxRelativePositions:
      typeof largest === 'number' && largest >= 1 ? largest : fields.maxPositionEmbeddings,
    positionBuckets: Math.max(0, integerField(json, 'position_buckets', { fallback: 0, minimum: -1 })),
    positionAttention: parsePositionAttention(json),
    sharesAttentionKey: booleanField(json, 'share_att_key', false),
    normalizesRelative: parseNames(json.norm_rel_ebd ?? 'none').includes('layer_norm'),
    isLegacy,
  }
}

function requireSame(json: ConfigJson, field: string, expected: number): void {
  const received = json[field] ?? expected
  if (received !== expected) throw configError(field, { expected: String(expected), received })
}

const parseNames = (value: unknown): string[] =>
  (Array.isArray(value) ? value : String(value).split('|')).map((name) => String(name).trim().toLowerCase())

function parsePositionAttention(json: ConfigJson): ('c2p' | 'p2c')[] {
  const names = parseNames(json.pos_att_type ?? []).filter((name) => name !== '')
  const isKnown = (name: string): name is 'c2p' | 'p2c' => name === 'c2p' || name === 'p2c'
  if (names.every(isKnown)) return names
  throw configError('pos_att_type', { expected: 'c2p, p2c or both', received: json.pos_att_type })
}

/** DeBERTa's own fields of config.json. */
export function formatDebertaConfig(config: DebertaConfig): Record<string, unknown> {
  return {
    ...formatBertFields(config),
    pooler_dropout: config.poolerDropout,
    pooler_hidden_act: config.poolerAct,
    pooler_hidden_size: config.hiddenSize,
    type_vocab_size: config.typeVocabSize,
    position_biased_input: config.positionBiasedInput,
    relative_attention: config.relativeAttention,
    max_relative_positions:
      config.maxRelativePositions === config.maxPositionEmbeddings ? -1 : config.maxRelativePositions,
    pos_att_type: config.positionAttention,
    legacy: config.isLegacy,
    // transformers has no defaults for these: they are absent where they ask for nothing.
    ...((config.classifierDropout !== config.hiddenDropout || 'cls_dropout' in config.source) && {
      cls_dropout: config.classifierDropout,
    }),
    ...(config.embeddingSize !== config.hiddenSize && { embedding_size: config.embeddingSize }),
    ...(config.positionBuckets > 0 && { position_buckets: config.positionBuckets }),
    ...(config.sharesAttentionKey && { share_att_key: true }),
    ...(config.normalizesRelative && { norm_rel_ebd: 'layer_norm' }),
  }
}
