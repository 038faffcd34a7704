import { activationField, requireWholeHeads } from './common-fields'
import {
  booleanField,
  choiceField,
  integerField,
  positiveField,
  rateField,
  requireField,
  type ConfigJson,
} from './config-fields'
import type { Gpt2Config } from './decoder-config'
import { parseDecoderFields } from './decoder-fields'
import { formatWritingFields } from './token-fields'

/**
 * Reads the config.json of a GPT-2 checkpoint. Absent fields take the defaults of `GPT2Config` in Hugging Face
 * transformers 5.23.
 *
 * @throws CheckpointError if a field is wrong or asks for a variant that tfx does not compute.
 */
export function parseGpt2Config(json: ConfigJson, modelType: Gpt2Config['modelType'] = 'gpt2'): Gpt2Config {
  const isOwn = modelType === 'tfx_decoder'
  if (!isOwn) requireField(json, 'position_embedding_type', 'absolute')
  const hiddenSize = integerField(json, 'n_embd', { fallback: 768 })
  const hiddenDropout = rateField(json, 'resid_pdrop', 0.1)
  const config: Gpt2Config = {
    modelType,
    positions: isOwn
      ? choiceField(json, 'position_embedding_type', {
          choices: ['learned', 'sinusoidal'],
          fallback: 'sinusoidal',
        })
      : 'learned',
    normOrder: isOwn
      ? choiceField(json, 'norm_order', { choices: ['before', 'after'], fallback: 'before' })
      : 'before',
    ...parseDecoderFields(json, {
      vocabSize: 50257,
      tieWordEmbeddings: true,
      bosTokenId: 50256,
      eosTokenId: 50256,
    }),
    hiddenSize,
    numHiddenLayers: integerField(json, 'n_layer', { fallback: 12 }),
    numAttentionHeads: integerField(json, 'n_head', { fallback: 12 }),
    intermediateSize: integerField(json, 'n_inner', { fallback: 4 * hiddenSize }),
    maxPositionEmbeddings: integerField(json, 'n_positions', { fallback: 1024 }),
    hiddenAct: activationField(json, 'activation_function', 'gelu_new'),
    normEpsilon: positiveField(json, 'layer_norm_epsilon', 1e-5),
    embeddingDropout: rateField(json, 'embd_pdrop', 0.1),
    hiddenDropout,
    attentionDropout: rateField(json, 'attn_pdrop', 0.1),
    classifierDropout: rateField(json, 'classifier_dropout', rateField(json, 'hidden_dropout', 0.1)),
    scaleAttentionWeights: booleanField(json, 'scale_attn_weights', true),
    scaleAttentionByLayer: booleanField(json, 'scale_attn_by_inverse_layer_idx', false),
  }
  requireWholeHeads(config, 'n_head')
  return config
}

/** GPT-2's own fields of config.json. */
export function formatGpt2Config(config: Gpt2Config): Record<string, unknown> {
  return {
    ...formatWritingFields(config),
    ...(config.modelType === 'tfx_decoder' && {
      position_embedding_type: config.positions,
      norm_order: config.normOrder,
    }),
    n_embd: config.hiddenSize,
    n_layer: config.numHiddenLayers,
    n_head: config.numAttentionHeads,
    n_inner: config.intermediateSize,
    n_positions: config.maxPositionEmbeddings,
    activation_function: config.hiddenAct,
    layer_norm_epsilon: config.normEpsilon,
    embd_pdrop: config.embeddingDropout,
    resid_pdrop: config.hiddenDropout,
    attn_pdrop: config.attentionDropout,
    classifier_dropout: config.classifierDropout,
    scale_attn_weights: config.scaleAttentionWeights,
    scale_attn_by_inverse_layer_idx: config.scaleAttentionByLayer,
  }
}
