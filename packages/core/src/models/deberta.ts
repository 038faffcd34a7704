import { embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { attentionBias } from '../blocks/attention-bias'
import { postNormLayer } from '../blocks/encoder-stack'
import { disentangledBias, relativeRows, type RelativeRows } from '../blocks/disentangled-bias'
import { firstToken, tiedLanguageModelHead } from '../blocks/heads'
import { activate, dropoutLayer, layerNormLayer, linearLayer } from '../blocks/layers'
import {
  embeddingSpecs,
  layerNormSpecs,
  linearSpecs,
  parameterOf,
  type Parameters,
  type ParameterSpecs,
} from '../blocks/parameters'
import { layerDepth, transformerLayer, transformerLayerSpecs } from '../blocks/transformer-layer'
import { wordEmbedding } from '../blocks/word-embedding'
import { formatDebertaConfig, parseDebertaConfig } from '../config/deberta-config'
import type { DebertaConfig, EncoderTask } from '../config/encoder-config'
import { bertEmbeddingNames } from './bert-names'
import type { EncoderFamily, EncoderInputs, ModelRun } from './encoder-family'

const embeddings = bertEmbeddingNames('deberta.')
const projection = { name: 'deberta.embeddings.embed_proj', hasBias: false }
const relativeEmbedding = 'deberta.encoder.rel_embeddings'
const relativeNorm = 'deberta.encoder.LayerNorm'
const pooler = 'pooler.dense'

function layerNames(index: number) {
  const layer = `deberta.encoder.layer.${index}`
  const attention = `${layer}.attention.self`
  return {
    attention: {
      query: `${attention}.query_proj`,
      key: `${attention}.key_proj`,
      value: `${attention}.value_proj`,
      output: `${layer}.attention.output.dense`,
    },
    attentionNorm: `${layer}.attention.output.LayerNorm`,
    feedForward: { input: `${layer}.intermediate.dense`, output: `${layer}.output.dense` },
    feedForwardNorm: `${layer}.output.LayerNorm`,
  }
}

/** Which projections positions take in a layer, and whether they are their own. */
function positionNames({ positionAttention, sharesAttentionKey }: DebertaConfig, index: number) {
  const { query, key } = layerNames(index).attention
  const attention = `deberta.encoder.layer.${index}.attention.self`
  return {
    ...(positionAttention.includes('c2p') && {
      positionKey: sharesAttentionKey ? key : `${attention}.pos_key_proj`,
    }),
    ...(positionAttention.includes('p2c') && {
      positionQuery: sharesAttentionKey ? query : `${attention}.pos_query_proj`,
    }),
  }
}

/** What all layers look up for positions. */
interface Relative {
  readonly embeddings: tf.Tensor
  readonly rows: RelativeRows
}

function relativePositions(
  parameters: Parameters,
  sequence: number,
  config: DebertaConfig,
): Relative | undefined {
  if (!config.relativeAttention || config.positionAttention.length === 0) return undefined
  const { layerNormEpsilon: epsilon, maxRelativePositions: maxDistance, positionBuckets: buckets } = config
  const table = parameterOf(parameters, `${relativeEmbedding}.weight`)
  return {
    embeddings: config.normalizesRelative
      ? layerNormLayer(parameters, relativeNorm, { x: table, epsilon })
      : table,
    rows: relativeRows(sequence, { maxDistance, buckets }),
  }
}

function backbone(
  parameters: Parameters,
  inputs: EncoderInputs,
  { config, training }: ModelRun<DebertaConfig>,
): tf.Tensor {
  const [batch, sequence] = inputs.inputIds.shape as [number, number]
  const bias = attentionBias(inputs.attentionMask)
  const relative = relativePositions(parameters, sequence, config)
  let hidden = embedded(parameters, inputs, { config, training })
  const headSize = config.hiddenSize / config.numAttentionHeads
  const scale = 1 / Math.sqrt(headSize * (1 + config.positionAttention.length))
  for (let index = 0; index < config.numHiddenLayers; index++) {
    const positions = relative && {
      names: positionNames(config, index),
      relativeEmbeddings: relative.embeddings,
      rows: relative.rows,
      scale,
      dropout: config.hiddenDropout,
      training,
    }
    hidden = transformerLayer(parameters, hidden, {
      names: layerNames(index),
      layer: postNormLayer(config),
      batch,
      bias: positions ? (by) => tf.add(disentangledBias(parameters, by, positions), bias) : bias,
      scale,
      depth: layerDepth(index, config.numHiddenLayers),
      training,
    }).hidden
  }
  return tf.reshape(hidden, [batch, sequence, config.hiddenSize])
}

function embedded(
  parameters: Parameters,
  { inputIds, tokenTypeIds, attentionMask, changeWords: change }: EncoderInputs,
  { config, training }: ModelRun<DebertaConfig>,
): tf.Tensor {
  const [batch, sequence] = inputIds.shape as [number, number]
  const lookUp = (name: string, ids: tf.Tensor) => embedding(parameterOf(parameters, `${name}.weight`), ids)
  let sum = wordEmbedding(parameters, inputIds, {
    name: embeddings.word,
    paddingRow: config.padTokenId,
    change,
  })
  if (config.positionBiasedInput) {
    sum = tf.add(sum, lookUp(embeddings.position, tf.range(0, sequence, 1, 'int32')))
  }
  if (config.typeVocabSize > 0) {
    const types = tokenTypeIds ?? tf.zerosLike(inputIds)
    sum = tf.add(sum, lookUp(embeddings.tokenType, types))
  }
  let rows = tf.reshape(sum, [batch * sequence, config.embeddingSize])
  if (config.embeddingSize !== config.hiddenSize) rows = linearLayer(parameters, projection, rows)
  const normed = layerNormLayer(parameters, embeddings.norm, { x: rows, epsilon: config.layerNormEpsilon })
  const isToken = tf.reshape(tf.cast(attentionMask, 'float32'), [batch * sequence, 1])
  return dropoutLayer(tf.mul(normed, isToken), config.hiddenDropout, training)
}

function layerSpecs(config: DebertaConfig, index: number): ParameterSpecs {
  const { hiddenSize, relativeAttention, sharesAttentionKey } = config
  const own = relativeAttention && !sharesAttentionKey ? Object.values(positionNames(config, index)) : []
  return Object.assign(
    transformerLayerSpecs(layerNames(index), postNormLayer(config)),
    ...own.map((name) => linearSpecs(name, hiddenSize, hiddenSize)),
  ) as ParameterSpecs
}

const languageModelNames = (config: DebertaConfig) => {
  const head = config.isLegacy ? 'cls.predictions' : 'lm_predictions.lm_head'
  const transform = config.isLegacy ? `${head}.transform` : head
  return { dense: `${transform}.dense`, norm: `${transform}.LayerNorm`, bias: `${head}.bias` }
}

function headSpecs(config: DebertaConfig, task: EncoderTask): ParameterSpecs {
  const { hiddenSize, vocabSize, labels, embeddingSize } = config
  const names = languageModelNames(config)
  const poolerSpecs = linearSpecs(pooler, hiddenSize, hiddenSize)
  const languageModel: ParameterSpecs = {
    [names.bias]: { shape: [vocabSize], initialize: 'zeros' },
    ...linearSpecs(names.dense, embeddingSize, hiddenSize),
    ...layerNormSpecs(names.norm, embeddingSize),
  }
  switch (task) {
    case 'feature-extraction':
      return {}
    case 'sequence-classification':
      return { ...poolerSpecs, ...linearSpecs('classifier', labels.length, hiddenSize) }
    case 'token-classification':
      return linearSpecs('classifier', labels.length, hiddenSize)
    case 'pretraining':
      return { ...languageModel, ...poolerSpecs }
    case 'masked-language-modelling':
      return languageModel
  }
}

const classifierInput: EncoderFamily<DebertaConfig>['classifierInput'] = (
  parameters,
  hidden,
  { config, training },
) => {
  const first = dropoutLayer(firstToken(hidden), config.poolerDropout, training)
  const vector = activate(linearLayer(parameters, pooler, first), config.poolerAct)
  return dropoutLayer(vector, config.classifierDropout, training)
}

/**
 * DeBERTa-v2 and v3 ([He et al. 2021](https://arxiv.org/abs/2111.09543)), as `DebertaV2Model` with its heads of Hugging
 * Face transformers; without the convolution of v2-xlarge.
 */
export const debertaV2: EncoderFamily<DebertaConfig> = {
  kind: 'encoder',
  modelType: 'deberta-v2',
  backbonePrefix: 'deberta.',
  aliases: { 'cls.predictions.decoder.bias': 'cls.predictions.bias' },
  tiedCopies: ['cls.predictions.decoder.weight'],
  architectures: {
    'feature-extraction': 'DebertaV2Model',
    pretraining: 'DebertaV2ForMaskedLM',
    'sequence-classification': 'DebertaV2ForSequenceClassification',
    'token-classification': 'DebertaV2ForTokenClassification',
    'masked-language-modelling': 'DebertaV2ForMaskedLM',
  },
  usesTokenTypes: true,
  parseConfig: parseDebertaConfig,
  formatConfig: formatDebertaConfig,
  maxLength: ({ maxPositionEmbeddings }) => maxPositionEmbeddings,
  parameterShapes(config, task) {
    const { vocabSize, hiddenSize, embeddingSize, maxPositionEmbeddings, typeVocabSize } = config
    const span = config.positionBuckets > 0 ? config.positionBuckets : config.maxRelativePositions
    return Object.assign(
      embeddingSpecs(embeddings.word, [vocabSize, embeddingSize], config.padTokenId),
      config.positionBiasedInput &&
        embeddingSpecs(embeddings.position, [maxPositionEmbeddings, embeddingSize]),
      typeVocabSize > 0 && embeddingSpecs(embeddings.tokenType, [typeVocabSize, embeddingSize]),
      embeddingSize !== hiddenSize && linearSpecs(projection, hiddenSize, embeddingSize),
      layerNormSpecs(embeddings.norm, hiddenSize),
      config.relativeAttention && embeddingSpecs(relativeEmbedding, [2 * span, hiddenSize]),
      config.normalizesRelative && layerNormSpecs(relativeNorm, hiddenSize),
      ...Array.from({ length: config.numHiddenLayers }, (_, index) => layerSpecs(config, index)),
      headSpecs(config, task),
    ) as ParameterSpecs
  },
  backbone,
  pooledOutput: (parameters, hidden, { poolerAct }) =>
    activate(linearLayer(parameters, pooler, firstToken(hidden)), poolerAct),
  classifierLayer: 'classifier',
  classifierInput,
  sequenceClassificationHead: (parameters, hidden, run) =>
    linearLayer(parameters, 'classifier', classifierInput(parameters, hidden, run)),
  tokenClassificationHead: (parameters, hidden, { config, training }) =>
    linearLayer(parameters, 'classifier', dropoutLayer(hidden, config.hiddenDropout, training)),
  maskedLanguageModelHead: (parameters, hidden, { config, maskedPositions }) =>
    tiedLanguageModelHead(parameters, hidden, {
      names: { ...languageModelNames(config), tied: embeddings.word },
      activation: config.hiddenAct,
      epsilon: config.layerNormEpsilon,
      maskedPositions,
    }),
}
