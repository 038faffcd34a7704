import { integerField, requireField, type ConfigJson } from './config-fields'
import type { SequenceToSequenceConfig } from './sequence-to-sequence-config'
import { formatWritingFields, parseWritingFields, tokenField, type WritingDefaults } from './token-fields'

/** Where a family's defaults are its own. */
export interface SequenceDefaults extends Omit<WritingDefaults, 'tieWordEmbeddings'> {
  readonly padTokenId: number
  readonly decoderStartTokenId?: number
}

type SequenceFields = ReturnType<typeof parseWritingFields> &
  Pick<SequenceToSequenceConfig, 'padTokenId' | 'decoderStartTokenId'>

/**
 * The fields whose names are the same in every encoder-decoder.
 *
 * @throws CheckpointError if one is wrong or asks for a variant that tfx does not compute.
 */
export function parseSequenceFields(json: ConfigJson, defaults: SequenceDefaults): SequenceFields {
  requireField(json, 'is_decoder', false)
  const decoderStartTokenId = tokenField(json, 'decoder_start_token_id', defaults.decoderStartTokenId)
  return {
    ...parseWritingFields(json, { ...defaults, tieWordEmbeddings: true }, true),
    padTokenId: integerField(json, 'pad_token_id', { fallback: defaults.padTokenId, minimum: 0 }),
    ...(decoderStartTokenId !== undefined && { decoderStartTokenId }),
  }
}

/** What {@link parseSequenceFields} reads, spelled as in config.json, but for what all families share. */
export function formatSequenceFields(config: SequenceFields): Record<string, unknown> {
  return {
    ...formatWritingFields(config),
    is_encoder_decoder: true,
    decoder_start_token_id: config.decoderStartTokenId ?? null,
  }
}
