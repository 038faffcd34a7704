import { formatBertFields, parseBertFields } from './bert-fields'
import { configError, integerField, type ConfigJson } from './config-fields'
import type { MpnetConfig } from './encoder-config'

/** Fixed in `modeling_mpnet.py`, whatever `relative_attention_num_buckets` and `pad_token_id` say. */
export const mpnetConstants = { buckets: 32, maxDistance: 128, paddingRow: 1 } as const

/**
 * Reads the config.json of an MPNet checkpoint. Absent fields take the defaults of `MPNetConfig` in Hugging Face
 * transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseMpnetConfig(json: ConfigJson): MpnetConfig {
  const { buckets } = mpnetConstants
  const received = integerField(json, 'relative_attention_num_buckets', { fallback: buckets })
  if (received !== buckets) {
    throw configError('relative_attention_num_buckets', {
      expected: String(buckets),
      received,
      remedy: 'tfx does not compute this variant; choose a checkpoint without it.',
    })
  }
  return { modelType: 'mpnet', ...parseBertFields(json, { padTokenId: 1 }) }
}

/** MPNet's own fields of config.json. */
export function formatMpnetConfig(config: MpnetConfig): Record<string, unknown> {
  return { ...formatBertFields(config), relative_attention_num_buckets: mpnetConstants.buckets }
}
