import { activations, parseCommonFields, requireWholeHeads } from './common-fields'
import { choiceField, integerField, positiveField, rateField, type ConfigJson } from './config-fields'
import type { BertConfig } from './encoder-config'

/**
 * Reads the config.json of a BERT checkpoint. Absent fields take the defaults of `BertConfig` in Hugging Face
 * transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseBertConfig(json: ConfigJson): BertConfig {
  const hiddenDropout = rateField(json, 'hidden_dropout_prob', 0.1)
  const config: BertConfig = {
    modelType: 'bert',
    ...parseCommonFields(json),
    hiddenSize: integerField(json, 'hidden_size', { fallback: 768 }),
    numHiddenLayers: integerField(json, 'num_hidden_layers', { fallback: 12 }),
    numAttentionHeads: integerField(json, 'num_attention_heads', { fallback: 12 }),
    intermediateSize: integerField(json, 'intermediate_size', { fallback: 3072 }),
    typeVocabSize: integerField(json, 'type_vocab_size', { fallback: 2 }),
    hiddenAct: choiceField(json, 'hidden_act', { choices: activations, fallback: 'gelu' }),
    layerNormEpsilon: positiveField(json, 'layer_norm_eps', 1e-12),
    hiddenDropout,
    attentionDropout: rateField(json, 'attention_probs_dropout_prob', 0.1),
    classifierDropout: rateField(json, 'classifier_dropout', hiddenDropout),
  }
  requireWholeHeads(config, 'num_attention_heads')
  return config
}

/** BERT's own fields of config.json. */
export function formatBertConfig(config: BertConfig): Record<string, unknown> {
  return {
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    intermediate_size: config.intermediateSize,
    type_vocab_size: config.typeVocabSize,
    hidden_act: config.hiddenAct,
    layer_norm_eps: config.layerNormEpsilon,
    hidden_dropout_prob: config.hiddenDropout,
    attention_probs_dropout_prob: config.attentionDropout,
    // Null means "as hidden_dropout_prob", and stays null when nothing changed it.
    classifier_dropout: config.classifierDropout === config.hiddenDropout ? null : config.classifierDropout,
  }
}
