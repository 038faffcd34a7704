import { tf } from '@tfx/compiler'
import { selfAttention } from './attention'
import { activate, dropoutLayer, layerNormLayer, linearLayer, type Activation } from './layers'
import { layerNormSpecs, linearSpecs, type Parameters, type ParameterSpecs } from './parameters'

/** Module names of one post-norm encoder layer in the checkpoint. */
export interface EncoderLayerNames {
  query: string
  key: string
  value: string
  attentionOutput: string
  attentionNorm: string
  feedForwardInput: string
  feedForwardOutput: string
  feedForwardNorm: string
}

/** Options of {@link encoderLayer}. */
export interface EncoderLayerOptions {
  names: EncoderLayerNames
  /** float32 [batch, 1 or heads, 1 or sequence, sequence], see `attentionBias`. */
  attentionBias: tf.Tensor
  heads: number
  activation: Activation
  epsilon: number
  dropout: {
    attentionProbabilities: number
    attentionOutput: number
    feedForwardOutput: number
  }
  training: boolean
}

/**
 * Self-attention, then a feed-forward network; each followed by dropout, the residual and LayerNorm
 * (the post-norm order of BERT, [Devlin et al. 2018](https://arxiv.org/abs/1810.04805)).
 *
 * @param hidden float32 [batch · sequence, hidden]
 * @returns float32 [batch · sequence, hidden]
 */
export function encoderLayer(
  parameters: Parameters,
  hidden: tf.Tensor,
  { names, attentionBias, heads, activation, epsilon, dropout, training }: EncoderLayerOptions,
): tf.Tensor {
  const attended = selfAttention(parameters, hidden, {
    names: { ...names, output: names.attentionOutput },
    bias: attentionBias,
    heads,
    dropout: dropout.attentionProbabilities,
    training,
  })
  const afterAttention = layerNormLayer(parameters, names.attentionNorm, {
    x: tf.add(dropoutLayer(attended, dropout.attentionOutput, training), hidden),
    epsilon,
  })
  const inner = activate(linearLayer(parameters, names.feedForwardInput, afterAttention), activation)
  const outer = linearLayer(parameters, names.feedForwardOutput, inner)
  return layerNormLayer(parameters, names.feedForwardNorm, {
    x: tf.add(dropoutLayer(outer, dropout.feedForwardOutput, training), afterAttention),
    epsilon,
  })
}

/** The parameters of one {@link encoderLayer}. */
export function encoderLayerSpecs(
  names: EncoderLayerNames,
  { hiddenSize, intermediateSize }: { hiddenSize: number; intermediateSize: number },
): ParameterSpecs {
  return {
    ...linearSpecs(names.query, hiddenSize, hiddenSize),
    ...linearSpecs(names.key, hiddenSize, hiddenSize),
    ...linearSpecs(names.value, hiddenSize, hiddenSize),
    ...linearSpecs(names.attentionOutput, hiddenSize, hiddenSize),
    ...layerNormSpecs(names.attentionNorm, hiddenSize),
    ...linearSpecs(names.feedForwardInput, intermediateSize, hiddenSize),
    ...linearSpecs(names.feedForwardOutput, hiddenSize, intermediateSize),
    ...layerNormSpecs(names.feedForwardNorm, hiddenSize),
  }
}
