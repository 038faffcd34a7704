import { activationField, parseCommonFields, requireWholeHeads } from './common-fields'
import { integerField, rateField, requireField, type ConfigJson } from './config-fields'
import type { DistilBertConfig } from './encoder-config'

/** Fixed in `modeling_distilbert.py`: the configuration has no field for it. */
const layerNormEpsilon = 1e-12

/**
 * Reads the config.json of a DistilBERT checkpoint. Absent fields take the defaults of `DistilBertConfig` in
 * Hugging Face transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseDistilBertConfig(json: ConfigJson): DistilBertConfig {
  requireField(json, 'sinusoidal_pos_embds', false)
  const config: DistilBertConfig = {
    modelType: 'distilbert',
    ...parseCommonFields(json),
    hiddenSize: integerField(json, 'dim', { fallback: 768 }),
    numHiddenLayers: integerField(json, 'n_layers', { fallback: 6 }),
    numAttentionHeads: integerField(json, 'n_heads', { fallback: 12 }),
    intermediateSize: integerField(json, 'hidden_dim', { fallback: 3072 }),
    hiddenAct: activationField(json, 'activation', 'gelu'),
    layerNormEpsilon,
    hiddenDropout: rateField(json, 'dropout', 0.1),
    attentionDropout: rateField(json, 'attention_dropout', 0.1),
    classifierDropout: rateField(json, 'seq_classif_dropout', 0.2),
  }
  requireWholeHeads(config, 'n_heads')
  return config
}

/** DistilBERT's own fields of config.json. */
export function formatDistilBertConfig(config: DistilBertConfig): Record<string, unknown> {
  return {
    dim: config.hiddenSize,
    n_layers: config.numHiddenLayers,
    n_heads: config.numAttentionHeads,
    hidden_dim: config.intermediateSize,
    activation: config.hiddenAct,
    dropout: config.hiddenDropout,
    attention_dropout: config.attentionDropout,
    seq_classif_dropout: config.classifierDropout,
  }
}
