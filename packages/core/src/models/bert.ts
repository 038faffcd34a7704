import { formatBertConfig, parseBertConfig } from '../config/bert-config'
import type { BertConfig } from '../config/encoder-config'
import { bertEmbeddingNames, bertLayerNames } from './bert-names'
import type { EncoderFamily } from './encoder-family'
import { postNormFamily } from './post-norm-family'

/**
 * BERT ([Devlin et al. 2018](https://arxiv.org/abs/1810.04805)) and MiniLM, as `BertModel` with its heads of Hugging
 * Face transformers.
 */
export const bert: EncoderFamily<BertConfig> = postNormFamily({
  modelType: 'bert',
  backbonePrefix: 'bert.',
  classPrefix: 'Bert',
  aliases: { 'cls.predictions.decoder.bias': 'cls.predictions.bias' },
  tiedCopies: ['cls.predictions.decoder.weight'],
  usesTokenTypes: true,
  parseConfig: parseBertConfig,
  formatConfig: formatBertConfig,
  stack: (config) => ({
    embeddings: bertEmbeddingNames('bert.'),
    embeddingSize: config.hiddenSize,
    paddingRow: config.padTokenId,
    layers: bertLayerNames('bert.', config.numHiddenLayers),
  }),
  classifier: { dense: 'bert.pooler.dense', activation: 'tanh', output: 'classifier', dropsInput: false },
  languageModel: {
    dense: 'cls.predictions.transform.dense',
    norm: 'cls.predictions.transform.LayerNorm',
    bias: 'cls.predictions.bias',
  },
})
