import { linear } from '@tfx/backend'
import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { attentionBias, windowBias } from '../blocks/attention-bias'
import { firstToken, meanPool } from '../blocks/heads'
import { activate, dropoutLayer, linearLayer, normLayer, normSpecs, type NormKind } from '../blocks/layers'
import {
  embeddingSpecs,
  linearSpecs,
  parameterOf,
  type Parameters,
  type ParameterSpecs,
} from '../blocks/parameters'
import { rotaryTables } from '../blocks/rotary'
import {
  layerDepth,
  transformerLayer,
  transformerLayerSpecs,
  type TransformerLayerNames,
  type TransformerLayerOptions,
} from '../blocks/transformer-layer'
import { wordEmbedding } from '../blocks/word-embedding'
import type { LayerType } from '../config/decoder-config'
import type { EncoderTask, ModernBertConfig } from '../config/encoder-config'
import { formatModernBertConfig, parseModernBertConfig } from '../config/modernbert-config'
import type { EncoderFamily, EncoderInputs, ModelRun } from './encoder-family'

const words = 'model.embeddings.tok_embeddings'
const embeddingNorm = 'model.embeddings.norm'
const finalNorm = 'model.final_norm'

function layerNames(index: number): TransformerLayerNames {
  const layer = `model.layers.${index}`
  return {
    attention: { fused: `${layer}.attn.Wqkv`, output: `${layer}.attn.Wo` },
    // The embeddings are normed already.
    ...(index > 0 && { attentionNorm: `${layer}.attn_norm` }),
    feedForward: { input: `${layer}.mlp.Wi`, output: `${layer}.mlp.Wo`, isFused: true },
    feedForwardNorm: `${layer}.mlp_norm`,
  }
}

const normOf = ({ layerNormEpsilon: epsilon, normBias: hasBias }: ModernBertConfig): NormKind => ({
  kind: 'layer',
  epsilon,
  hasBias,
})

const layerOptions = (config: ModernBertConfig): TransformerLayerOptions => ({
  sizes: config,
  activation: config.hiddenAct,
  norm: normOf(config),
  biases: {
    attention: config.attentionBias,
    attentionOutput: config.attentionBias,
    feedForward: config.mlpBias,
  },
  dropout: {
    attention: config.attentionDropout,
    attentionOutput: config.attentionDropout,
    activation: config.hiddenDropout,
    hidden: 0,
    depth: config.stochasticDepth,
  },
})

function backbone(
  parameters: Parameters,
  { inputIds, attentionMask, changeWords: change }: EncoderInputs,
  { config, training }: ModelRun<ModernBertConfig>,
): tf.Tensor {
  const [batch, sequence] = inputIds.shape as [number, number]
  const { hiddenSize, rope } = config
  const norm = normOf(config)
  const embedded = wordEmbedding(parameters, inputIds, { name: words, paddingRow: config.padTokenId, change })
  const rows = tf.reshape(embedded, [batch * sequence, hiddenSize])
  const normed = normLayer(parameters, { ...norm, name: embeddingNorm }, rows)
  let hidden = dropoutLayer(normed, config.embeddingDropout, training)
  const full = attentionBias(attentionMask)
  const biases: Record<LayerType, tf.Tensor> = {
    full_attention: full,
    sliding_attention: tf.add(full, windowBias(sequence, Math.floor(config.localAttention / 2))),
  }
  const positions = tf.expandDims(tf.range(0, sequence, 1, 'int32'), 0)
  const headSize = hiddenSize / config.numAttentionHeads
  const tables = {
    full_attention: rotaryTables(positions, { rope: rope.full_attention, headSize }),
    sliding_attention: rotaryTables(positions, { rope: rope.sliding_attention, headSize }),
  }
  config.layerTypes.forEach((type, index) => {
    hidden = transformerLayer(parameters, hidden, {
      names: layerNames(index),
      layer: layerOptions(config),
      batch,
      bias: biases[type],
      rotary: tables[type],
      depth: layerDepth(index, config.layerTypes.length),
      training,
    }).hidden
  })
  return tf.reshape(normLayer(parameters, { ...norm, name: finalNorm }, hidden), [
    batch,
    sequence,
    hiddenSize,
  ])
}

/** Without the mask a mean would count padding, and nobody would see. */
function required(attentionMask: tf.Tensor | undefined): tf.Tensor {
  if (attentionMask) return attentionMask
  throw new ArgumentError({
    function: 'sequenceClassificationHead',
    argument: 'attentionMask',
    expected: 'that of the inputs, since this model classifies the mean of a sequence',
    received: 'nothing',
    remedy: 'Pass it with the run: { config, training, attentionMask: inputs.attentionMask }.',
  })
}

/** Dense, activation and norm: in front of every head. */
function predictionHead(parameters: Parameters, x: tf.Tensor, config: ModernBertConfig): tf.Tensor {
  const dense = linearLayer(parameters, { name: 'head.dense', hasBias: config.classifierBias }, x)
  return normLayer(
    parameters,
    { ...normOf(config), name: 'head.norm' },
    activate(dense, config.classifierAct),
  )
}

function classifierInput(
  parameters: Parameters,
  hidden: tf.Tensor,
  { config, training, attentionMask }: ModelRun<ModernBertConfig>,
): tf.Tensor {
  const vector =
    config.classifierPooling === 'mean' ? meanPool(hidden, required(attentionMask)) : firstToken(hidden)
  return dropoutLayer(predictionHead(parameters, vector, config), config.classifierDropout, training)
}

function headSpecs(config: ModernBertConfig, task: EncoderTask): ParameterSpecs {
  const { hiddenSize, vocabSize, labels } = config
  if (task === 'feature-extraction') return {}
  return {
    ...linearSpecs({ name: 'head.dense', hasBias: config.classifierBias }, hiddenSize, hiddenSize),
    ...normSpecs('head.norm', hiddenSize, normOf(config)),
    ...(task.endsWith('classification')
      ? linearSpecs('classifier', labels.length, hiddenSize)
      : config.decoderBias && { 'decoder.bias': { shape: [vocabSize], initialize: 'zeros' } }),
  }
}

/**
 * ModernBERT ([Warner et al. 2024](https://arxiv.org/abs/2412.13663)), as `ModernBertModel` with its heads of Hugging
 * Face transformers.
 */
export const modernBert: EncoderFamily<ModernBertConfig> = {
  kind: 'encoder',
  modelType: 'modernbert',
  backbonePrefix: 'model.',
  aliases: {},
  tiedCopies: ['decoder.weight'],
  architectures: {
    'feature-extraction': 'ModernBertModel',
    pretraining: 'ModernBertForMaskedLM',
    'sequence-classification': 'ModernBertForSequenceClassification',
    'token-classification': 'ModernBertForTokenClassification',
    'masked-language-modelling': 'ModernBertForMaskedLM',
  },
  usesTokenTypes: false,
  parseConfig: parseModernBertConfig,
  formatConfig: formatModernBertConfig,
  maxLength: ({ maxPositionEmbeddings }) => maxPositionEmbeddings,
  parameterShapes(config, task) {
    const { vocabSize, hiddenSize, padTokenId, layerTypes } = config
    return Object.assign(
      embeddingSpecs(words, [vocabSize, hiddenSize], padTokenId),
      normSpecs(embeddingNorm, hiddenSize, normOf(config)),
      ...layerTypes.map((_, index) => transformerLayerSpecs(layerNames(index), layerOptions(config))),
      normSpecs(finalNorm, hiddenSize, normOf(config)),
      headSpecs(config, task),
    ) as ParameterSpecs
  },
  backbone,
  pooledOutput: (_, hidden) => firstToken(hidden),
  classifierLayer: 'classifier',
  classifierInput,
  sequenceClassificationHead: (parameters, hidden, run) =>
    linearLayer(parameters, 'classifier', classifierInput(parameters, hidden, run)),
  tokenClassificationHead(parameters, hidden, { config, training }) {
    const prepared = predictionHead(parameters, hidden, config)
    return linearLayer(parameters, 'classifier', dropoutLayer(prepared, config.classifierDropout, training))
  },
  maskedLanguageModelHead(parameters, hidden, { config, maskedPositions }) {
    const [batch, sequence, size] = hidden.shape as [number, number, number]
    const tokens = tf.reshape(hidden, [batch * sequence, size])
    const rows = maskedPositions ? tf.gather(tokens, maskedPositions) : tokens
    const prepared = predictionHead(parameters, rows, config)
    const bias = config.decoderBias ? parameterOf(parameters, 'decoder.bias') : undefined
    return linear(prepared, parameterOf(parameters, `${words}.weight`), bias)
  },
}
