import { tf } from '@tfx/compiler'
import { attentionBias } from '../blocks/attention'
import { absoluteEmbeddings } from '../blocks/embeddings'
import { encoderLayer, encoderLayerSpecs, type EncoderLayerNames } from '../blocks/encoder-layer'
import { firstToken, tiedLanguageModelHead } from '../blocks/heads'
import { dropoutLayer, linearLayer } from '../blocks/layers'
import { embeddingSpecs, layerNormSpecs, linearSpecs } from '../blocks/parameters'
import type { Parameters, ParameterSpecs } from '../blocks/parameters'
import { formatDistilBertConfig, parseDistilBertConfig } from '../config/distilbert-config'
import type { DistilBertConfig, Task } from '../config/encoder-config'
import type { EncoderInputs, MaskedLanguageModelRun, ModelFamily, ModelRun } from './model-family'

const embeddings = {
  word: 'distilbert.embeddings.word_embeddings',
  position: 'distilbert.embeddings.position_embeddings',
  norm: 'distilbert.embeddings.LayerNorm',
}
const preClassifier = 'pre_classifier'
const classifier = 'classifier'
const languageModelNames = {
  dense: 'vocab_transform',
  norm: 'vocab_layer_norm',
  tied: embeddings.word,
  bias: 'vocab_projector.bias',
}

function layerNames(index: number): EncoderLayerNames {
  const layer = `distilbert.transformer.layer.${index}`
  return {
    query: `${layer}.attention.q_lin`,
    key: `${layer}.attention.k_lin`,
    value: `${layer}.attention.v_lin`,
    attentionOutput: `${layer}.attention.out_lin`,
    attentionNorm: `${layer}.sa_layer_norm`,
    feedForwardInput: `${layer}.ffn.lin1`,
    feedForwardOutput: `${layer}.ffn.lin2`,
    feedForwardNorm: `${layer}.output_layer_norm`,
  }
}

function parameterShapes(config: DistilBertConfig, task: Task): ParameterSpecs {
  const { hiddenSize, vocabSize, maxPositionEmbeddings, padTokenId } = config
  const specs: ParameterSpecs = {
    ...embeddingSpecs(embeddings.word, [vocabSize, hiddenSize], padTokenId),
    ...embeddingSpecs(embeddings.position, [maxPositionEmbeddings, hiddenSize]),
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
        ...linearSpecs(preClassifier, hiddenSize, hiddenSize),
        ...linearSpecs(classifier, config.labels.length, hiddenSize),
      }
    case 'pretraining':
      return {
        ...parameterShapes(config, 'masked-language-modelling'),
        ...linearSpecs(preClassifier, hiddenSize, hiddenSize),
      }
    case 'masked-language-modelling':
      return {
        ...specs,
        ...linearSpecs(languageModelNames.dense, hiddenSize, hiddenSize),
        ...layerNormSpecs(languageModelNames.norm, hiddenSize),
        [languageModelNames.bias]: { shape: [vocabSize], initialize: 'zeros' },
      }
  }
}

function backbone(
  parameters: Parameters,
  inputs: EncoderInputs,
  { config, training }: ModelRun<DistilBertConfig>,
): tf.Tensor {
  const [batch, sequence] = inputs.inputIds.shape as [number, number]
  const epsilon = config.layerNormEpsilon
  const bias = attentionBias(inputs.attentionMask)
  let hidden = absoluteEmbeddings(
    parameters,
    { inputIds: inputs.inputIds },
    { names: embeddings, epsilon, dropout: config.hiddenDropout, training },
  )
  for (let index = 0; index < config.numHiddenLayers; index++) {
    hidden = encoderLayer(parameters, hidden, {
      names: layerNames(index),
      attentionBias: bias,
      heads: config.numAttentionHeads,
      activation: config.hiddenAct,
      epsilon,
      dropout: {
        attentionProbabilities: config.attentionDropout,
        // DistilBERT has no dropout between the attention output and its residual.
        attentionOutput: 0,
        feedForwardOutput: config.hiddenDropout,
      },
      training,
    })
  }
  return tf.reshape(hidden, [batch, sequence, config.hiddenSize])
}

function pooledOutput(parameters: Parameters, hidden: tf.Tensor): tf.Tensor {
  return tf.relu(linearLayer(parameters, preClassifier, firstToken(hidden)))
}

function sequenceClassificationHead(
  parameters: Parameters,
  hidden: tf.Tensor,
  run: ModelRun<DistilBertConfig>,
): tf.Tensor {
  const dropped = dropoutLayer(pooledOutput(parameters, hidden), run.config.classifierDropout, run.training)
  return linearLayer(parameters, classifier, dropped)
}

function maskedLanguageModelHead(
  parameters: Parameters,
  hidden: tf.Tensor,
  { config, maskedPositions }: MaskedLanguageModelRun<DistilBertConfig>,
): tf.Tensor {
  return tiedLanguageModelHead(parameters, hidden, {
    names: languageModelNames,
    activation: config.hiddenAct,
    epsilon: config.layerNormEpsilon,
    maskedPositions,
  })
}

/**
 * DistilBERT ([Sanh et al. 2019](https://arxiv.org/abs/1910.01108)), as `DistilBertForSequenceClassification` and
 * `DistilBertForMaskedLM` of Hugging Face transformers.
 */
export const distilBert: ModelFamily<DistilBertConfig> = {
  modelType: 'distilbert',
  backbonePrefix: 'distilbert.',
  aliases: {},
  tiedCopies: ['vocab_projector.weight'],
  architectures: {
    'feature-extraction': 'DistilBertModel',
    pretraining: 'DistilBertForMaskedLM',
    'sequence-classification': 'DistilBertForSequenceClassification',
    'masked-language-modelling': 'DistilBertForMaskedLM',
  },
  usesTokenTypes: false,
  parseConfig: parseDistilBertConfig,
  formatConfig: formatDistilBertConfig,
  parameterShapes,
  backbone,
  pooledOutput,
  sequenceClassificationHead,
  maskedLanguageModelHead,
}
