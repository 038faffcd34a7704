import { positiveField, requireField, type ConfigJson } from './config-fields'
import type { DecoderConfig } from './decoder-config'
import { parseWritingFields, tokenField, type WritingDefaults } from './token-fields'

/** Where a family's defaults are its own. */
export interface DecoderDefaults extends WritingDefaults {
  readonly padTokenId?: number
}

type DecoderFields = ReturnType<typeof parseWritingFields> &
  Pick<DecoderConfig, 'padTokenId' | 'initializerRange'>

/**
 * The fields whose names are the same in every decoder family.
 *
 * @throws CheckpointError if one is wrong or asks for a variant that tfx does not compute.
 */
export function parseDecoderFields(json: ConfigJson, defaults: DecoderDefaults): DecoderFields {
  requireField(json, 'add_cross_attention', false)
  const padTokenId = tokenField(json, 'pad_token_id', defaults.padTokenId)
  return {
    ...parseWritingFields(json, defaults, false),
    ...(padTokenId !== undefined && { padTokenId }),
    initializerRange: positiveField(json, 'initializer_range', 0.02),
  }
}
