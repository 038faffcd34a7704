import { parseLabels, parseProblemType, requireAbsentOrEmpty } from './common-fields'
import { integerField, requireField, type ConfigJson } from './config-fields'
import { booleanField, tokenField, tokensField } from './decoder-fields'
import type { SequenceToSequenceConfig } from './sequence-to-sequence-config'

type SharedFields = Pick<
  SequenceToSequenceConfig,
  | 'vocabSize'
  | 'tieWordEmbeddings'
  | 'padTokenId'
  | 'bosTokenId'
  | 'eosTokenIds'
  | 'decoderStartTokenId'
  | 'labels'
  | 'problemType'
  | 'source'
>

/** Where a family's defaults are its own. */
export interface SequenceDefaults {
  readonly vocabSize: number
  readonly padTokenId: number
  readonly bosTokenId?: number
  readonly eosTokenId: number
  readonly decoderStartTokenId?: number
}

/**
 * The fields whose names are the same in every encoder-decoder.
 *
 * @throws CheckpointError if one is wrong or asks for a variant that tfx does not compute.
 */
export function parseSequenceFields(json: ConfigJson, defaults: SequenceDefaults): SharedFields {
  requireField(json, 'is_encoder_decoder', true)
  requireField(json, 'is_decoder', false)
  requireAbsentOrEmpty(json, 'pruned_heads')
  requireAbsentOrEmpty(json, 'quantization_config')
  const problemType = parseProblemType(json)
  const bosTokenId = tokenField(json, 'bos_token_id', defaults.bosTokenId)
  const decoderStartTokenId = tokenField(json, 'decoder_start_token_id', defaults.decoderStartTokenId)
  return {
    vocabSize: integerField(json, 'vocab_size', { fallback: defaults.vocabSize }),
    tieWordEmbeddings: booleanField(json, 'tie_word_embeddings', true),
    padTokenId: integerField(json, 'pad_token_id', { fallback: defaults.padTokenId, minimum: 0 }),
    ...(bosTokenId !== undefined && { bosTokenId }),
    eosTokenIds: tokensField(json, 'eos_token_id', defaults.eosTokenId),
    ...(decoderStartTokenId !== undefined && { decoderStartTokenId }),
    labels: parseLabels(json),
    ...(problemType !== undefined && { problemType }),
    source: json,
  }
}

/** What {@link parseSequenceFields} reads, spelled as in config.json, but for what all families share. */
export function formatSequenceFields(config: SharedFields): Record<string, unknown> {
  const [first = null, ...others] = config.eosTokenIds
  return {
    is_encoder_decoder: true,
    tie_word_embeddings: config.tieWordEmbeddings,
    pad_token_id: config.padTokenId,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: others.length > 0 ? config.eosTokenIds : first,
    decoder_start_token_id: config.decoderStartTokenId ?? null,
  }
}
