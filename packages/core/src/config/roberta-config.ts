import {
  formatBertFields,
  formatSegmentsAndDropout,
  parseBertFields,
  parseSegmentsAndDropout,
} from './bert-fields'
import type { ConfigJson } from './config-fields'
import type { RobertaConfig } from './encoder-config'

/**
 * Reads the config.json of a RoBERTa or XLM-RoBERTa checkpoint. Absent fields take the defaults of `RobertaConfig`
 * in Hugging Face transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseRobertaConfig(json: ConfigJson, modelType: RobertaConfig['modelType']): RobertaConfig {
  const fields = parseBertFields(json, { padTokenId: 1 })
  return { modelType, ...fields, ...parseSegmentsAndDropout(json, fields) }
}

/** RoBERTa's own fields of config.json. */
export function formatRobertaConfig(config: RobertaConfig): Record<string, unknown> {
  return { ...formatBertFields(config), ...formatSegmentsAndDropout(config) }
}
