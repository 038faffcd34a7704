import type { Activation } from '../blocks/layers'
import { activationField, parseCommonFields, requireWholeHeads } from './common-fields'
import { integerField, positiveField, rateField, type ConfigJson } from './config-fields'
import type { BertConfig } from './encoder-config'

/** What a family takes where BERT's defaults are not its own. */
interface BertDefaults {
  padTokenId?: number
  hiddenSize?: number
  numAttentionHeads?: number
  intermediateSize?: number
  hiddenAct?: Activation
  /** Of the hidden states and the attention. */
  dropout?: number
}

type BertFields = Omit<BertConfig, 'modelType' | 'typeVocabSize'>

/**
 * The fields that BERT and its relatives spell alike.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseBertFields(json: ConfigJson, defaults: BertDefaults = {}): BertFields {
  const hiddenDropout = rateField(json, 'hidden_dropout_prob', defaults.dropout ?? 0.1)
  const fields = {
    ...parseCommonFields(json, defaults),
    hiddenSize: integerField(json, 'hidden_size', { fallback: defaults.hiddenSize ?? 768 }),
    numHiddenLayers: integerField(json, 'num_hidden_layers', { fallback: 12 }),
    numAttentionHeads: integerField(json, 'num_attention_heads', {
      fallback: defaults.numAttentionHeads ?? 12,
    }),
    intermediateSize: integerField(json, 'intermediate_size', {
      fallback: defaults.intermediateSize ?? 3072,
    }),
    hiddenAct: activationField(json, 'hidden_act', defaults.hiddenAct ?? 'gelu'),
    layerNormEpsilon: positiveField(json, 'layer_norm_eps', 1e-12),
    hiddenDropout,
    attentionDropout: rateField(json, 'attention_probs_dropout_prob', defaults.dropout ?? 0.1),
    classifierDropout: hiddenDropout,
  }
  requireWholeHeads(fields, 'num_attention_heads')
  return fields
}

/** What {@link parseBertFields} reads, spelled as in config.json. */
export function formatBertFields(config: BertFields): Record<string, unknown> {
  return {
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    intermediate_size: config.intermediateSize,
    hidden_act: config.hiddenAct,
    layer_norm_eps: config.layerNormEpsilon,
    hidden_dropout_prob: config.hiddenDropout,
    attention_probs_dropout_prob: config.attentionDropout,
  }
}

/** The segments and the rate before the classifier, where `classifier_dropout` null means the hidden one. */
export function parseSegmentsAndDropout(
  json: ConfigJson,
  { hiddenDropout }: BertFields,
): Pick<BertConfig, 'typeVocabSize' | 'classifierDropout'> {
  return {
    typeVocabSize: integerField(json, 'type_vocab_size', { fallback: 2 }),
    classifierDropout: rateField(json, 'classifier_dropout', hiddenDropout),
  }
}

/** What {@link parseSegmentsAndDropout} reads, spelled as in config.json. */
export function formatSegmentsAndDropout(
  config: Pick<BertConfig, 'typeVocabSize' | 'classifierDropout' | 'hiddenDropout'>,
): Record<string, unknown> {
  return {
    type_vocab_size: config.typeVocabSize,
    // Null means "as hidden_dropout_prob", and stays null when nothing changed it.
    classifier_dropout: config.classifierDropout === config.hiddenDropout ? null : config.classifierDropout,
  }
}
