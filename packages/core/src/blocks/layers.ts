import { dropout, gelu, layerNorm, rmsNorm, silu } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { adaptedLinear } from '../adapters/adapted-linear'
import { parameterOf, type LinearModule, type Parameters, type ParameterSpecs } from './parameters'

/** The activation functions of the supported checkpoints, by their Hugging Face name. */
export type Activation = 'gelu' | 'gelu_new' | 'gelu_pytorch_tanh' | 'relu' | 'silu'

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
    case 'silu':
      return silu(x)
  }
}

/**
 * `linear` with the weights `{name}.weight` [out, in] and `{name}.bias` [out], and with its adapter if it has one.
 *
 * @param module Its name, or its name and what it lacks.
 * @param x float32 [..., in]; a matrix where the weight is transposed.
 */
export function linearLayer(parameters: Parameters, module: LinearModule, x: tf.Tensor): tf.Tensor {
  const {
    name,
    hasBias = true,
    isTransposed = false,
  } = typeof module === 'string' ? { name: module } : module
  const weight = parameterOf(parameters, `${name}.weight`)
  const bias = hasBias ? parameterOf(parameters, `${name}.bias`) : undefined
  return adaptedLinear(parameters, { name, weight, bias, isTransposed }, x)
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

/** Which norm a model has. */
export interface NormKind {
  readonly kind: 'layer' | 'rms'
  readonly epsilon: number
  /** Added to the weight of an RMS norm: 1 in Gemma, whose weights start at 0. Default 0. */
  readonly weightOffset?: number
  /** Whether a LayerNorm has a bias. Default true. */
  readonly hasBias?: boolean
}

/** The norm of a model over the last axis, with the weights `{name}.weight` and `{name}.bias` (RMS norms have none). */
export function normLayer(
  parameters: Parameters,
  { name, kind, epsilon, weightOffset = 0, hasBias = true }: NormKind & { name: string },
  x: tf.Tensor,
): tf.Tensor {
  const weight = parameterOf(parameters, `${name}.weight`)
  if (kind === 'layer') {
    const bias = hasBias ? parameterOf(parameters, `${name}.bias`) : tf.zerosLike(weight)
    return layerNorm(x, { weight, bias, epsilon })
  }
  return rmsNorm(x, { weight: weightOffset === 0 ? weight : tf.add(weight, weightOffset), epsilon })
}

/** The parameters of a {@link normLayer}. */
export function normSpecs(
  name: string,
  size: number,
  { kind, weightOffset = 0, hasBias = true }: Omit<NormKind, 'epsilon'>,
): ParameterSpecs {
  return {
    [`${name}.weight`]: { shape: [size], initialize: weightOffset === 0 ? 'ones' : 'zeros' },
    ...(kind === 'layer' && hasBias && { [`${name}.bias`]: { shape: [size], initialize: 'zeros' } }),
  }
}

/** Dropout while training, the identity otherwise. */
export function dropoutLayer(x: tf.Tensor, rate: number, training: boolean): tf.Tensor {
  return training && rate > 0 ? dropout(x, rate) : x
}
