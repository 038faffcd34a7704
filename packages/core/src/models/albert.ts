import type { TransformerLayerNames } from '../blocks/transformer-layer'
import { formatAlbertConfig, parseAlbertConfig } from '../config/albert-config'
import type { AlbertConfig } from '../config/encoder-config'
import { bertEmbeddingNames } from './bert-names'
import type { EncoderFamily } from './encoder-family'
import { postNormFamily } from './post-norm-family'

/** Every layer in the order that it runs in: a group is repeated, and has one or more layers of its own. */
function layerNames({
  numHiddenLayers,
  numHiddenGroups,
  innerGroupNum,
}: AlbertConfig): TransformerLayerNames[] {
  return Array.from({ length: numHiddenLayers }, (_, index) => {
    const group = Math.floor(index / (numHiddenLayers / numHiddenGroups))
    return Array.from({ length: innerGroupNum }, (_, inner) => {
      const layer = `albert.encoder.albert_layer_groups.${group}.albert_layers.${inner}`
      return {
        attention: {
          query: `${layer}.attention.query`,
          key: `${layer}.attention.key`,
          value: `${layer}.attention.value`,
          output: `${layer}.attention.dense`,
        },
        attentionNorm: `${layer}.attention.LayerNorm`,
        feedForward: { input: `${layer}.ffn`, output: `${layer}.ffn_output` },
        feedForwardNorm: `${layer}.full_layer_layer_norm`,
      }
    })
  }).flat()
}

/**
 * ALBERT ([Lan et al. 2019](https://arxiv.org/abs/1909.11942)), as `AlbertModel` with its heads of Hugging Face
 * transformers.
 */
export const albert: EncoderFamily<AlbertConfig> = postNormFamily({
  modelType: 'albert',
  backbonePrefix: 'albert.',
  classPrefix: 'Albert',
  aliases: { 'predictions.decoder.bias': 'predictions.bias' },
  tiedCopies: ['predictions.decoder.weight'],
  usesTokenTypes: true,
  parseConfig: parseAlbertConfig,
  formatConfig: formatAlbertConfig,
  stack: (config) => ({
    embeddings: bertEmbeddingNames('albert.'),
    embeddingSize: config.embeddingSize,
    paddingRow: config.padTokenId,
    projection: 'albert.encoder.embedding_hidden_mapping_in',
    layers: layerNames(config),
    withoutDropout: 'feedForwardOutput',
  }),
  classifier: { dense: 'albert.pooler', activation: 'tanh', output: 'classifier', dropsInput: false },
  languageModel: { dense: 'predictions.dense', norm: 'predictions.LayerNorm', bias: 'predictions.bias' },
})
