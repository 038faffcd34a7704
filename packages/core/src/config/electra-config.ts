import {
  formatBertFields,
  formatSegmentsAndDropout,
  parseBertFields,
  parseSegmentsAndDropout,
} from './bert-fields'
import { integerField, type ConfigJson } from './config-fields'
import type { ElectraConfig } from './encoder-config'

/**
 * Reads the config.json of an ELECTRA checkpoint. Absent fields take the defaults of `ElectraConfig` in Hugging
 * Face transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseElectraConfig(json: ConfigJson): ElectraConfig {
  const fields = parseBertFields(json, { hiddenSize: 256, numAttentionHeads: 4, intermediateSize: 1024 })
  return {
    modelType: 'electra',
    ...fields,
    ...parseSegmentsAndDropout(json, fields),
    embeddingSize: integerField(json, 'embedding_size', { fallback: 128 }),
  }
}

/** ELECTRA's own fields of config.json. */
export function formatElectraConfig(config: ElectraConfig): Record<string, unknown> {
  return {
    ...formatBertFields(config),
    ...formatSegmentsAndDropout(config),
    embedding_size: config.embeddingSize,
  }
}
