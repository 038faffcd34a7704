import { linear } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import type { Parameters } from '../blocks/parameters'

/** A linear layer without its adapter. */
export interface PlainLinear {
  readonly name: string
  readonly weight: tf.Tensor
  readonly bias: tf.Tensor | undefined
  /** The weight is [inputs, outputs]. */
  readonly isTransposed: boolean
}

/**
 * A linear layer with whatever adapts it among the parameters: the side path of LoRA, the lengths of DoRA, the factors
 * of IA³. With none of them it is the layer itself, so adapters cost a model nothing that does not have them.
 *
 * @param x float32 [..., inputs]
 */
export function adaptedLinear(parameters: Parameters, layer: PlainLinear, x: tf.Tensor): tf.Tensor {
  const factors = parameters[`${layer.name}.ia3_l`]
  if (factors !== undefined) return scaledLinear(layer, factors, x)
  const down = parameters[`${layer.name}.lora_A.weight`]
  const up = parameters[`${layer.name}.lora_B.weight`]
  const scaling = parameters[`${layer.name}.lora_scaling`]
  if (down === undefined || up === undefined || scaling === undefined) return plainLinear(layer, x)
  const update = linear(tf.mul(linear(x, down), scaling), up)
  const lengths = parameters[`${layer.name}.lora_magnitude_vector`]
  if (lengths === undefined) return tf.add(plainLinear(layer, x), update)
  const { weight, bias, isTransposed } = layer
  const rows = isTransposed ? tf.transpose(weight) : weight
  const whole = tf.add(rows, tf.mul(tf.matMul(up as tf.Tensor2D, down as tf.Tensor2D), scaling))
  // As the authors: the length counts as a constant, which saves memory and costs no accuracy (section 4.3).
  const present = constant(tf.sqrt(tf.sum(tf.square(whole), 1)))
  const product = tf.mul(
    tf.add(plainLinear({ ...layer, bias: undefined }, x), update),
    tf.div(lengths, present),
  )
  return bias === undefined ? product : tf.add(product, bias)
}

function plainLinear({ weight, bias, isTransposed }: PlainLinear, x: tf.Tensor): tf.Tensor {
  if (!isTransposed) return linear(x, weight, bias)
  const product = tf.matMul(x, weight)
  return bias ? tf.add(product, bias) : product
}

/** Factors of [1, inputs] scale what comes in, those of [outputs, 1] what goes out, its bias included. */
function scaledLinear(layer: PlainLinear, factors: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const row = tf.reshape(factors, [-1])
  if (factors.shape[0] === 1) return plainLinear(layer, tf.mul(x, row))
  return tf.mul(plainLinear(layer, x), row)
}

/** The same number, through which no gradient flows. */
function constant(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((value) => ({
    value: tf.clone(value as tf.Tensor),
    gradFunc: () => tf.zerosLike(value as tf.Tensor),
  }))(x)
}
