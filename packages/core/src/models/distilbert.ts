import type { TransformerLayerNames } from '../blocks/transformer-layer'
import { formatDistilBertConfig, parseDistilBertConfig } from '../config/distilbert-config'
import type { DistilBertConfig } from '../config/encoder-config'
import type { EncoderFamily } from './encoder-family'
import { postNormFamily } from './post-norm-family'

function layerNames(index: number): TransformerLayerNames {
  const layer = `distilbert.transformer.layer.${index}`
  return {
    attention: {
      query: `${layer}.attention.q_lin`,
      key: `${layer}.attention.k_lin`,
      value: `${layer}.attention.v_lin`,
      output: `${layer}.attention.out_lin`,
    },
    attentionNorm: `${layer}.sa_layer_norm`,
    feedForward: { input: `${layer}.ffn.lin1`, output: `${layer}.ffn.lin2` },
    feedForwardNorm: `${layer}.output_layer_norm`,
  }
}

/**
 * DistilBERT ([Sanh et al. 2019](https://arxiv.org/abs/1910.01108)), as `DistilBertModel` with its heads of Hugging
 * Face transformers.
 */
export const distilBert: EncoderFamily<DistilBertConfig> = postNormFamily({
  modelType: 'distilbert',
  backbonePrefix: 'distilbert.',
  classPrefix: 'DistilBert',
  aliases: {},
  tiedCopies: ['vocab_projector.weight'],
  usesTokenTypes: false,
  parseConfig: parseDistilBertConfig,
  formatConfig: formatDistilBertConfig,
  stack: (config) => ({
    embeddings: {
      word: 'distilbert.embeddings.word_embeddings',
      position: 'distilbert.embeddings.position_embeddings',
      norm: 'distilbert.embeddings.LayerNorm',
    },
    embeddingSize: config.hiddenSize,
    paddingRow: config.padTokenId,
    layers: Array.from({ length: config.numHiddenLayers }, (_, index) => layerNames(index)),
    withoutDropout: 'attentionOutput',
  }),
  classifier: { dense: 'pre_classifier', activation: 'relu', output: 'classifier', dropsInput: false },
  tokenDropout: ({ hiddenDropout }) => hiddenDropout,
  languageModel: { dense: 'vocab_transform', norm: 'vocab_layer_norm', bias: 'vocab_projector.bias' },
})
