import type { RobertaConfig } from '../config/encoder-config'
import { formatRobertaConfig, parseRobertaConfig } from '../config/roberta-config'
import { bertEmbeddingNames, bertLayerNames } from './bert-names'
import type { EncoderFamily } from './encoder-family'
import { postNormFamily } from './post-norm-family'

function robertaFamily(
  modelType: RobertaConfig['modelType'],
  classPrefix: string,
): EncoderFamily<RobertaConfig> {
  return postNormFamily({
    modelType,
    backbonePrefix: 'roberta.',
    classPrefix,
    aliases: { 'lm_head.decoder.bias': 'lm_head.bias' },
    tiedCopies: ['lm_head.decoder.weight'],
    // Its tokenizers do not tell two texts apart by segments.
    usesTokenTypes: false,
    parseConfig: (json) => parseRobertaConfig(json, modelType),
    formatConfig: formatRobertaConfig,
    stack: (config) => ({
      embeddings: bertEmbeddingNames('roberta.'),
      embeddingSize: config.hiddenSize,
      paddingRow: config.padTokenId,
      layers: bertLayerNames('roberta.', config.numHiddenLayers),
      positionPadding: config.padTokenId,
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
}

/**
 * RoBERTa ([Liu et al. 2019](https://arxiv.org/abs/1907.11692)), as `RobertaModel` with its heads of Hugging Face
 * transformers.
 */
export const roberta: EncoderFamily<RobertaConfig> = robertaFamily('roberta', 'Roberta')

/**
 * XLM-RoBERTa ([Conneau et al. 2019](https://arxiv.org/abs/1911.02116)), as `XLMRobertaModel` with its heads of
 * Hugging Face transformers.
 */
export const xlmRoberta: EncoderFamily<RobertaConfig> = robertaFamily('xlm-roberta', 'XLMRoberta')
