import { parseLabels, parseProblemType, requireAbsentOrEmpty } from './common-fields'
import { booleanField, configError, integerField, requireField, type ConfigJson } from './config-fields'
import type { DecoderConfig } from './decoder-config'

/** What every model that writes has in its config.json, whatever its kind. */
type WritingFields = Pick<
  DecoderConfig,
  'vocabSize' | 'tieWordEmbeddings' | 'bosTokenId' | 'eosTokenIds' | 'labels' | 'problemType' | 'source'
>

/** Where a family's defaults are its own; those of the ids hold only where the field is absent, not null. */
export interface WritingDefaults {
  readonly vocabSize: number
  readonly tieWordEmbeddings: boolean
  readonly bosTokenId?: number
  readonly eosTokenId?: number
}

/**
 * The fields whose names are the same in all decoders and encoder-decoders.
 *
 * @param isEncoderDecoder Which of them the model is.
 * @throws CheckpointError if one is wrong or asks for a variant that tfx does not compute.
 */
export function parseWritingFields(
  json: ConfigJson,
  defaults: WritingDefaults,
  isEncoderDecoder: boolean,
): WritingFields {
  requireField(json, 'is_encoder_decoder', isEncoderDecoder)
  requireAbsentOrEmpty(json, 'pruned_heads')
  requireAbsentOrEmpty(json, 'quantization_config')
  const problemType = parseProblemType(json)
  const bosTokenId = tokenField(json, 'bos_token_id', defaults.bosTokenId)
  return {
    vocabSize: integerField(json, 'vocab_size', { fallback: defaults.vocabSize }),
    tieWordEmbeddings: booleanField(json, 'tie_word_embeddings', defaults.tieWordEmbeddings),
    ...(bosTokenId !== undefined && { bosTokenId }),
    eosTokenIds: tokensField(json, 'eos_token_id', defaults.eosTokenId),
    labels: parseLabels(json),
    ...(problemType !== undefined && { problemType }),
    source: json,
  }
}

/** What {@link parseWritingFields} reads, spelled as in config.json, but for what all kinds share; and the padding. */
export function formatWritingFields(
  config: WritingFields & { readonly padTokenId?: number },
): Record<string, unknown> {
  const [first = null, ...others] = config.eosTokenIds
  return {
    tie_word_embeddings: config.tieWordEmbeddings,
    pad_token_id: config.padTokenId ?? null,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: others.length > 0 ? config.eosTokenIds : first,
  }
}

/** One token id. @throws CheckpointError */
export function tokenField(json: ConfigJson, field: string, fallback?: number): number | undefined {
  return tokensField(json, field, fallback)[0]
}

/** One token id, or a list of them, or none. @throws CheckpointError */
function tokensField(json: ConfigJson, field: string, fallback?: number): number[] {
  const value = json[field] === undefined ? fallback : json[field]
  if (value === undefined || value === null) return []
  const ids: unknown[] = Array.isArray(value) ? value : [value]
  // Some published checkpoints say −1 where they mean none.
  if (ids.every((id) => Number.isSafeInteger(id))) return (ids as number[]).filter((id) => id >= 0)
  throw configError(field, { expected: 'a token id, or a list of them', received: value })
}
