import { tf } from '@tfx/compiler'
import { attentionBias } from '../blocks/attention'
import { absoluteEmbeddings } from '../blocks/embeddings'
import { encoderLayer, encoderLayerSpecs, type EncoderLayerNames } from '../blocks/encoder-layer'
import { firstToken, tiedLanguageModelHead } from '../blocks/heads'
import { dropoutLayer, linearLayer } from '../blocks/layers'
import { embeddingSpecs, layerNormSpecs, linearSpecs } from '../blocks/parameters'
import type { Parameters, ParameterSpecs } from '../blocks/parameters'
import { formatBertConfig, parseBertConfig } from '../config/bert-config'
import type { BertConfig, Task } from '../config/encoder-config'
import type { EncoderInputs, MaskedLanguageModelRun, ModelFamily, ModelRun } from './model-family'

const embeddings = {
  word: 'bert.embeddings.word_embeddings',
  position: 'bert.embeddings.position_embeddings',
  tokenType: 'bert.embeddings.token_type_embeddings',
  norm: 'bert.embeddings.LayerNorm',
}
const pooler = 'bert.pooler.dense'
const classifier = 'classifier'
const languageModelNames = {
  dense: 'cls.predictions.transform.dense',
  norm: 'cls.predictions.transform.LayerNorm',
  tied: embeddings.word,
  bias: 'cls.predictions.bias',
}

function layerNames(index: number): EncoderLayerNames {
  const layer = `bert.encoder.layer.${index}`
  return {
    query: `${layer}.attention.self.query`,
    key: `${layer}.attention.self.key`,
    value: `${layer}.attention.self.value`,
    attentionOutput: `${layer}.attention.output.dense`,
    attentionNorm: `${layer}.attention.output.LayerNorm`,
    feedForwardInput: `${layer}.intermediate.dense`,
    feedForwardOutput: `${layer}.output.dense`,
    feedForwardNorm: `${layer}.output.LayerNorm`,
  }
}

function parameterShapes(config: BertConfig, task: Task): ParameterSpecs {
  const { hiddenSize, vocabSize, maxPositionEmbeddings, typeVocabSize, padTokenId } = config
  const specs: ParameterSpecs = {
    ...embeddingSpecs(embeddings.word, [vocabSize, hiddenSize], padTokenId),
    ...embeddingSpecs(embeddings.position, [maxPositionEmbeddings, hiddenSize]),
    ...embeddingSpecs(embeddings.tokenType, [typeVocabSize, hiddenSize]),
    ...layerNormSpecs(embeddings.norm, hiddenSize),
  }
  for (let index = 0; index < config.numHiddenLayers; index++) {
    Object.assign(specs, encoderLayerSpecs(layerNames(index), config))
  }
  switch (task) {
    case 'feature-extraction':
      return specs
    case 'sequence-classification':
      return {
        ...specs,
        ...linearSpecs(pooler, hiddenSize, hiddenSize),
        ...linearSpecs(classifier, config.labels.length, hiddenSize),
      }
    case 'pretraining':
      return {
        ...parameterShapes(config, 'masked-language-modelling'),
        ...linearSpecs(pooler, hiddenSize, hiddenSize),
      }
    case 'masked-language-modelling':
      return {
        ...specs,
        [languageModelNames.bias]: { shape: [vocabSize], initialize: 'zeros' },
        ...linearSpecs(languageModelNames.dense, hiddenSize, hiddenSize),
        ...layerNormSpecs(languageModelNames.norm, hiddenSize),
      }
  }
}

function backbone(
  parameters: Parameters,
  inputs: EncoderInputs,
  { config, training }: ModelRun<BertConfig>,
): tf.Tensor {
  const [batch, sequence] = inputs.inputIds.shape as [number, number]
  const epsilon = config.layerNormEpsilon
  const bias = attentionBias(inputs.attentionMask)
  let hidden = absoluteEmbeddings(parameters, inputs, {
    names: embeddings,
    epsilon,
    dropout: config.hiddenDropout,
    training,
  })
  for (let index = 0; index < config.numHiddenLayers; index++) {
    hidden = encoderLayer(parameters, hidden, {
      names: layerNames(index),
      attentionBias: bias,
      heads: config.numAttentionHeads,
      activation: config.hiddenAct,
      epsilon,
      dropout: {
        attentionProbabilities: config.attentionDropout,
        attentionOutput: config.hiddenDropout,
        feedForwardOutput: config.hiddenDropout,
      },
      training,
    })
  }
  return tf.reshape(hidden, [batch, sequence, config.hiddenSize])
}

function pooledOutput(parameters: Parameters, hidden: tf.Tensor): tf.Tensor {
  return tf.tanh(linearLayer(parameters, pooler, firstToken(hidden)))
}

function sequenceClassificationHead(
  parameters: Parameters,
  hidden: tf.Tensor,
  run: ModelRun<BertConfig>,
): tf.Tensor {
  const dropped = dropoutLayer(pooledOutput(parameters, hidden), run.config.classifierDropout, run.training)
  return linearLayer(parameters, classifier, dropped)
}

function maskedLanguageModelHead(
  parameters: Parameters,
  hidden: tf.Tensor,
  { config, maskedPositions }: MaskedLanguageModelRun<BertConfig>,
): tf.Tensor {
  return tiedLanguageModelHead(parameters, hidden, {
    names: languageModelNames,
    activation: config.hiddenAct,
    epsilon: config.layerNormEpsilon,
    maskedPositions,
  })
}

/**
 * BERT ([Devlin et al. 2018](https://arxiv.org/abs/1810.04805)) and MiniLM, as `BertForSequenceClassification`
 * and `BertForMaskedLM` of Hugging Face transformers.
 */
export const bert: ModelFamily<BertConfig> = {
  modelType: 'bert',
  backbonePrefix: 'bert.',
  aliases: { 'cls.predictions.decoder.bias': languageModelNames.bias },
  tiedCopies: ['cls.predictions.decoder.weight'],
  architectures: {
    'feature-extraction': 'BertModel',
    pretraining: 'BertForMaskedLM',
    'sequence-classification': 'BertForSequenceClassification',
    'masked-language-modelling': 'BertForMaskedLM',
  },
  usesTokenTypes: true,
  parseConfig: parseBertConfig,
  formatConfig: formatBertConfig,
  parameterShapes,
  backbone,
  pooledOutput,
  sequenceClassificationHead,
  maskedLanguageModelHead,
}
