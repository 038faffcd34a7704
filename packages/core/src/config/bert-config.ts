import {
  formatBertFields,
  formatSegmentsAndDropout,
  parseBertFields,
  parseSegmentsAndDropout,
} from './bert-fields'
import type { ConfigJson } from './config-fields'
import type { BertConfig } from './encoder-config'

/**
 * Reads the config.json of a BERT checkpoint. Absent fields take the defaults of `BertConfig` in Hugging Face
 * transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseBertConfig(json: ConfigJson): BertConfig {
  const fields = parseBertFields(json)
  return { modelType: 'bert', ...fields, ...parseSegmentsAndDropout(json, fields) }
}

/** BERT's own fields of config.json. */
export function formatBertConfig(config: BertConfig): Record<string, unknown> {
  return { ...formatBertFields(config), ...formatSegmentsAndDropout(config) }
}
