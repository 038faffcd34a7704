import { dropout, gelu, layerNorm, linear } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { parameterOf, type Parameters } from './parameters'

/** The activation functions of the supported checkpoints, by their Hugging Face name. */
export type Activation = 'gelu' | 'gelu_new' | 'gelu_pytorch_tanh' | 'relu'

/** Applies an activation function elementwise. */
export function activate(x: tf.Tensor, activation: Activation): tf.Tensor {
  switch (activation) {
    case 'gelu':
      return gelu(x)
    case 'gelu_new':
    case 'gelu_pytorch_tanh':
      return gelu(x, 'tanh')
    case 'relu':
      return tf.relu(x)
  }
}

/** `linear` with the weights `{name}.weight` [out, in] and `{name}.bias` [out]; x is [..., in]. */
export function linearLayer(parameters: Parameters, name: string, x: tf.Tensor): tf.Tensor {
  return linear(x, parameterOf(parameters, `${name}.weight`), parameterOf(parameters, `${name}.bias`))
}

/** `layerNorm` over the last axis with the weights `{name}.weight` and `{name}.bias`. */
export function layerNormLayer(
  parameters: Parameters,
  name: string,
  { x, epsilon }: { x: tf.Tensor; epsilon: number },
): tf.Tensor {
  return layerNorm(x, {
    weight: parameterOf(parameters, `${name}.weight`),
    bias: parameterOf(parameters, `${name}.bias`),
    epsilon,
  })
}

/** Dropout while training, the identity otherwise. */
export function dropoutLayer(x: tf.Tensor, rate: number, training: boolean): tf.Tensor {
  return training && rate > 0 ? dropout(x, rate) : x
}
