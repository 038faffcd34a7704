import { formatElectraConfig, parseElectraConfig } from '../config/electra-config'
import type { ElectraConfig } from '../config/encoder-config'
import { bertEmbeddingNames, bertLayerNames } from './bert-names'
import type { EncoderFamily } from './encoder-family'
import { postNormFamily } from './post-norm-family'

/**
 * ELECTRA ([Clark et al. 2020](https://arxiv.org/abs/2003.10555)), as `ElectraModel` with its heads of Hugging Face
 * transformers. Its masked language model is the generator.
 */
export const electra: EncoderFamily<ElectraConfig> = postNormFamily({
  modelType: 'electra',
  backbonePrefix: 'electra.',
  classPrefix: 'Electra',
  aliases: {},
  tiedCopies: ['generator_lm_head.weight'],
  usesTokenTypes: true,
  parseConfig: parseElectraConfig,
  formatConfig: formatElectraConfig,
  stack: (config) => ({
    embeddings: bertEmbeddingNames('electra.'),
    embeddingSize: config.embeddingSize,
    paddingRow: config.padTokenId,
    ...(config.embeddingSize !== config.hiddenSize && { projection: 'electra.embeddings_project' }),
    layers: bertLayerNames('electra.', config.numHiddenLayers),
  }),
  classifier: {
    dense: 'classifier.dense',
    activation: 'gelu',
    output: 'classifier.out_proj',
    dropsInput: true,
  },
  languageModel: {
    dense: 'generator_predictions.dense',
    norm: 'generator_predictions.LayerNorm',
    bias: 'generator_lm_head.bias',
    activation: 'gelu',
  },
})
