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
  const scales = parameters[`${layer.name}.ia3_l`]
  if (scales !== undefined) return scaledLinear(layer, scales, x)
  const down = parameters[`${layer.name}.lora_A.weight`]
  const up = parameters[`${layer.name}.lora_B.weight`]
  const scaling = parameters[`${layer.name}.lora_scaling`]
  if (down === undefined || up === undefined || scaling === undefined) return plainLinear(layer, x)
  const update = linear(tf.mul(linear(x, down), scaling), up)
  const factors = rowFactors(parameters, layer, { down, up, scaling })
  if (factors === undefined) return tf.add(plainLinear(layer, x), update)
  const { bias } = layer
  const product = tf.mul(tf.add(plainLinear({ ...layer, bias: undefined }, x), update), factors)
  return bias === undefined ? product : tf.add(product, bias)
}

/** What DoRA multiplies each output by, its bias left out; undefined for LoRA. It is a parameter where nothing is trained. */
function rowFactors(
  parameters: Parameters,
  { name, weight, isTransposed }: PlainLinear,
  { down, up, scaling }: Readonly<Record<'down' | 'up' | 'scaling', tf.Tensor>>,
): tf.Tensor | undefined {
  const lengths = parameters[`${name}.lora_magnitude_vector`]
  if (lengths === undefined) return parameters[`${name}.lora_row_factors`]
  const rows = isTransposed ? tf.transpose(weight) : weight
  const whole = tf.add(rows, tf.mul(tf.matMul(up as tf.Tensor2D, down as tf.Tensor2D), scaling))
  // As the authors: the length counts as a constant, which saves memory and costs no accuracy (section 4.3).
  return tf.div(lengths, constant(tf.sqrt(tf.sum(tf.square(whole), 1))))
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
