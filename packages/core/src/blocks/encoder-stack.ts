import { tf } from '@tfx/compiler'
import { attentionBias } from './attention-bias'
import { absoluteEmbeddings, type EmbeddingNames } from './embeddings'
import { linearLayer, type Activation } from './layers'
import { embeddingSpecs, layerNormSpecs, linearSpecs } from './parameters'
import type { Parameters, ParameterSpecs } from './parameters'
import type { ChangeWords } from './word-embedding'
import { relativePositionBias, type RelativeBucketOptions } from './relative-position'
import {
  layerDepth,
  transformerLayer,
  transformerLayerSpecs,
  type TransformerLayerNames,
  type TransformerLayerOptions,
} from './transformer-layer'

/** How one architecture differs from the others: names of the checkpoint and options. */
export interface EncoderStack {
  readonly embeddings: EmbeddingNames
  readonly embeddingSize: number
  /** The id whose row of the word embeddings is 0. */
  readonly paddingRow: number
  /** Linear from the embedding size to the hidden size, where there is one. */
  readonly projection?: string
  /** The layers in the order that they run in; one may occur several times. */
  readonly layers: readonly TransformerLayerNames[]
  /** Positions count the tokens that are not this id, from the id + 1, as in RoBERTa. Default: 0, 1, 2, …. */
  readonly positionPadding?: number
  /** The embedding of relative positions that all layers share, and its buckets. Default: none. */
  readonly relativePositions?: RelativeBucketOptions & { name: string }
  /** Outputs without dropout before the residual. Default: none. */
  readonly withoutDropout?: 'attentionOutput' | 'feedForwardOutput'
}

/** The sizes and rates of a stack: fields of every encoder configuration. */
interface StackConfig {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numAttentionHeads: number
  readonly maxPositionEmbeddings: number
  readonly typeVocabSize?: number
  readonly hiddenAct: Activation
  readonly layerNormEpsilon: number
  readonly hiddenDropout: number
  readonly attentionDropout: number
  readonly stochasticDepth?: number
}

/** The inputs of {@link encoderStack}: int32 [batch, sequence], and what is to be done with the words' embeddings. */
interface StackInputs {
  readonly inputIds: tf.Tensor
  readonly attentionMask: tf.Tensor
  readonly tokenTypeIds?: tf.Tensor | undefined
  readonly changeWords?: ChangeWords | undefined
}

/**
 * Embeddings and post-norm encoder layers: BERT and everything that differs from it by names and details.
 *
 * @returns The last hidden state, float32 [batch, sequence, hidden].
 */
export function encoderStack(
  parameters: Parameters,
  inputs: StackInputs,
  { stack, config, training }: { stack: EncoderStack; config: StackConfig; training: boolean },
): tf.Tensor {
  const [batch, sequence] = inputs.inputIds.shape as [number, number]
  const { layerNormEpsilon: epsilon, hiddenDropout } = config
  let bias = attentionBias(inputs.attentionMask)
  if (stack.relativePositions) {
    const { name, ...buckets } = stack.relativePositions
    const positions = tf.range(0, sequence, 1, 'int32')
    bias = tf.add(
      bias,
      relativePositionBias(parameters, name, { rows: positions, columns: positions, ...buckets }),
    )
  }
  let hidden = absoluteEmbeddings(parameters, inputs, {
    names: stack.embeddings,
    positionPadding: stack.positionPadding,
    epsilon,
    dropout: hiddenDropout,
    training,
  })
  if (stack.projection !== undefined) hidden = linearLayer(parameters, stack.projection, hidden)
  const layer = postNormLayer(config, stack.withoutDropout)
  stack.layers.forEach((names, index) => {
    const depth = layerDepth(index, stack.layers.length)
    hidden = transformerLayer(parameters, hidden, { names, layer, batch, bias, depth, training }).hidden
  })
  return tf.reshape(hidden, [batch, sequence, config.hiddenSize])
}

/** What all post-norm encoder layers have in common. */
export function postNormLayer(
  config: Omit<StackConfig, 'vocabSize' | 'maxPositionEmbeddings' | 'typeVocabSize'>,
  withoutDropout?: EncoderStack['withoutDropout'],
): TransformerLayerOptions {
  const { hiddenDropout } = config
  return {
    sizes: config,
    activation: config.hiddenAct,
    norm: { kind: 'layer', epsilon: config.layerNormEpsilon },
    normOrder: 'after',
    biases: { attention: true, attentionOutput: true, feedForward: true },
    dropout: {
      attention: config.attentionDropout,
      attentionOutput: withoutDropout === 'attentionOutput' ? 0 : hiddenDropout,
      hidden: withoutDropout === 'feedForwardOutput' ? 0 : hiddenDropout,
      depth: config.stochasticDepth,
    },
  }
}

/** The parameters of an {@link encoderStack}; those of layers that repeat appear once. */
export function encoderStackSpecs(stack: EncoderStack, config: StackConfig): ParameterSpecs {
  const { embeddings, embeddingSize, paddingRow, positionPadding, projection, relativePositions } = stack
  const { vocabSize, maxPositionEmbeddings, hiddenSize, typeVocabSize = 1 } = config
  const specs: ParameterSpecs = {
    ...embeddingSpecs(embeddings.word, [vocabSize, embeddingSize], paddingRow),
    ...embeddingSpecs(embeddings.position, [maxPositionEmbeddings, embeddingSize], positionPadding),
    ...(embeddings.tokenType && embeddingSpecs(embeddings.tokenType, [typeVocabSize, embeddingSize])),
    ...layerNormSpecs(embeddings.norm, embeddingSize),
    ...(projection && linearSpecs(projection, hiddenSize, embeddingSize)),
    ...(relativePositions &&
      embeddingSpecs(relativePositions.name, [relativePositions.buckets, config.numAttentionHeads])),
  }
  const layer = postNormLayer(config)
  for (const names of stack.layers) Object.assign(specs, transformerLayerSpecs(names, layer))
  return specs
}
