import { parseLabels, parseProblemType, requireAbsentOrEmpty } from './common-fields'
import { configError, integerField, positiveField, requireField, type ConfigJson } from './config-fields'
import type { DecoderConfig } from './decoder-config'

type SharedFields = Pick<
  DecoderConfig,
  | 'vocabSize'
  | 'initializerRange'
  | 'tieWordEmbeddings'
  | 'padTokenId'
  | 'bosTokenId'
  | 'eosTokenIds'
  | 'labels'
  | 'problemType'
  | 'source'
>

/** Where a family's defaults are its own; those of the ids hold only where the field is absent, not null. */
export interface DecoderDefaults {
  readonly vocabSize: number
  readonly tieWordEmbeddings: boolean
  readonly padTokenId?: number
  readonly bosTokenId?: number
  readonly eosTokenId?: number
}

/**
 * The fields whose names are the same in every decoder family.
 *
 * @throws CheckpointError if one is wrong or asks for a variant that tfx does not compute.
 */
export function parseDecoderFields(json: ConfigJson, defaults: DecoderDefaults): SharedFields {
  requireField(json, 'add_cross_attention', false)
  requireField(json, 'is_encoder_decoder', false)
  requireAbsentOrEmpty(json, 'pruned_heads')
  requireAbsentOrEmpty(json, 'quantization_config')
  const problemType = parseProblemType(json)
  const padTokenId = tokenField(json, 'pad_token_id', defaults.padTokenId)
  const bosTokenId = tokenField(json, 'bos_token_id', defaults.bosTokenId)
  return {
    vocabSize: integerField(json, 'vocab_size', { fallback: defaults.vocabSize }),
    initializerRange: positiveField(json, 'initializer_range', 0.02),
    tieWordEmbeddings: booleanField(json, 'tie_word_embeddings', defaults.tieWordEmbeddings),
    ...(padTokenId !== undefined && { padTokenId }),
    ...(bosTokenId !== undefined && { bosTokenId }),
    eosTokenIds: tokensField(json, 'eos_token_id', defaults.eosTokenId),
    labels: parseLabels(json),
    ...(problemType !== undefined && { problemType }),
    source: json,
  }
}

/** What {@link parseDecoderFields} reads, spelled as in config.json, but for what all families share. */
export function formatDecoderFields(config: SharedFields): Record<string, unknown> {
  const [first = null, ...others] = config.eosTokenIds
  return {
    tie_word_embeddings: config.tieWordEmbeddings,
    pad_token_id: config.padTokenId ?? null,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: others.length > 0 ? config.eosTokenIds : first,
  }
}

/** True or false. @throws CheckpointError */
export function booleanField(json: ConfigJson, field: string, fallback: boolean): boolean {
  const value = json[field] ?? fallback
  if (typeof value === 'boolean') return value
  throw configError(field, { expected: 'true or false', received: value })
}

/** A number above 0, or undefined where the field is null, or absent without a fallback. @throws CheckpointError */
export function optionalPositiveField(
  json: ConfigJson,
  field: string,
  fallback?: number,
): number | undefined {
  const value = json[field] === undefined ? fallback : json[field]
  return value === undefined || value === null ? undefined : positiveField(json, field, fallback ?? 1)
}

/** One token id. @throws CheckpointError */
export function tokenField(json: ConfigJson, field: string, fallback?: number): number | undefined {
  return tokensField(json, field, fallback)[0]
}

/** One token id, or a list of them, or none. @throws CheckpointError */
export function tokensField(json: ConfigJson, field: string, fallback?: number): number[] {
  const value = json[field] === undefined ? fallback : json[field]
  if (value === undefined || value === null) return []
  const ids: unknown[] = Array.isArray(value) ? value : [value]
  // Some published checkpoints say −1 where they mean none.
  if (ids.every((id) => Number.isSafeInteger(id))) return (ids as number[]).filter((id) => id >= 0)
  throw configError(field, { expected: 'a token id, or a list of them', received: value })
}
