import { formatBertFields, parseBertFields } from './bert-fields'
import { configError, integerField, rateField, type ConfigJson } from './config-fields'
import type { AlbertConfig } from './encoder-config'

/**
 * Reads the config.json of an ALBERT checkpoint. Absent fields take the defaults of `AlbertConfig` in Hugging Face
 * transformers 5.23, which are those of the largest model.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseAlbertConfig(json: ConfigJson): AlbertConfig {
  const fields = parseBertFields(json, {
    hiddenSize: 4096,
    numAttentionHeads: 64,
    intermediateSize: 16384,
    hiddenAct: 'gelu_new',
    dropout: 0,
  })
  const numHiddenGroups = integerField(json, 'num_hidden_groups', { fallback: 1 })
  if (numHiddenGroups > fields.numHiddenLayers) {
    throw configError('num_hidden_groups', {
      expected: `at most the ${fields.numHiddenLayers} layers of num_hidden_layers`,
      received: numHiddenGroups,
    })
  }
  return {
    modelType: 'albert',
    ...fields,
    embeddingSize: integerField(json, 'embedding_size', { fallback: 128 }),
    typeVocabSize: integerField(json, 'type_vocab_size', { fallback: 2 }),
    numHiddenGroups,
    innerGroupNum: integerField(json, 'inner_group_num', { fallback: 1 }),
    classifierDropout: rateField(json, 'classifier_dropout_prob', 0.1),
  }
}

/** ALBERT's own fields of config.json. */
export function formatAlbertConfig(config: AlbertConfig): Record<string, unknown> {
  return {
    ...formatBertFields(config),
    embedding_size: config.embeddingSize,
    type_vocab_size: config.typeVocabSize,
    num_hidden_groups: config.numHiddenGroups,
    inner_group_num: config.innerGroupNum,
    classifier_dropout_prob: config.classifierDropout,
  }
}
