import type { TransformerLayerNames } from '../blocks/transformer-layer'
import type { MpnetConfig } from '../config/encoder-config'
import { formatMpnetConfig, mpnetConstants, parseMpnetConfig } from '../config/mpnet-config'
import { bertEmbeddingNames } from './bert-names'
import type { EncoderFamily } from './encoder-family'
import { postNormFamily } from './post-norm-family'

const { buckets, maxDistance, paddingRow } = mpnetConstants
const { word, position, norm } = bertEmbeddingNames('mpnet.')

function layerNames(index: number): TransformerLayerNames {
  const layer = `mpnet.encoder.layer.${index}`
  return {
    attention: {
      query: `${layer}.attention.attn.q`,
      key: `${layer}.attention.attn.k`,
      value: `${layer}.attention.attn.v`,
      output: `${layer}.attention.attn.o`,
    },
    attentionNorm: `${layer}.attention.LayerNorm`,
    feedForward: { input: `${layer}.intermediate.dense`, output: `${layer}.output.dense` },
    feedForwardNorm: `${layer}.output.LayerNorm`,
  }
}

/**
 * MPNet ([Song et al. 2020](https://arxiv.org/abs/2004.09297)), as `MPNetModel` with its heads of Hugging Face
 * transformers.
 */
export const mpnet: EncoderFamily<MpnetConfig> = postNormFamily({
  modelType: 'mpnet',
  backbonePrefix: 'mpnet.',
  classPrefix: 'MPNet',
  aliases: { 'lm_head.decoder.bias': 'lm_head.bias' },
  tiedCopies: ['lm_head.decoder.weight'],
  usesTokenTypes: false,
  parseConfig: parseMpnetConfig,
  formatConfig: formatMpnetConfig,
  stack: (config) => ({
    embeddings: { word, position, norm },
    embeddingSize: config.hiddenSize,
    paddingRow,
    layers: Array.from({ length: config.numHiddenLayers }, (_, index) => layerNames(index)),
    positionPadding: paddingRow,
    relativePositions: { name: 'mpnet.encoder.relative_attention_bias', buckets, maxDistance },
  }),
  classifier: {
    dense: 'classifier.dense',
    activation: 'tanh',
    output: 'classifier.out_proj',
    dropsInput: true,
  },
  languageModel: {
    dense: 'lm_head.dense',
    norm: 'lm_head.layer_norm',
    bias: 'lm_head.bias',
    activation: 'gelu',
  },
})
