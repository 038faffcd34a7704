import { tf } from '@tfx/compiler'
import { activate, dropoutLayer, linearLayer, type Activation } from './layers'
import { linearSpecs, type LinearKind, type Parameters, type ParameterSpecs } from './parameters'

/** Module names of a {@link feedForward} network in the checkpoint. */
export interface FeedForwardNames {
  readonly input: string
  readonly output: string
  /** A second projection of the input, without activation, that the first is multiplied with. */
  readonly multiplier?: string
  /** The first projection is both: its first half is activated and multiplied with the second half. */
  readonly isFused?: boolean
}

/** Options of {@link feedForward}. */
export interface FeedForwardOptions {
  names: FeedForwardNames
  activation: Activation
  /** Rate after the activation. Default 0. */
  dropout?: number
  training: boolean
  linear: LinearKind
}

/**
 * The network between attentions: a projection, an activation, a projection back; gated where a multiplier is named
 * (Shazeer 2020, [GLU variants](https://arxiv.org/abs/2002.05202)). No residual, no dropout on the output.
 *
 * @param x float32 [rows, hidden]
 */
export function feedForward(
  parameters: Parameters,
  x: tf.Tensor,
  { names, activation, dropout = 0, training, linear }: FeedForwardOptions,
): tf.Tensor {
  const inner = linearLayer(parameters, { ...linear, name: names.input }, x)
  let activated: tf.Tensor
  if (names.isFused) {
    const [gate, multiplier] = tf.split(inner, 2, 1) as [tf.Tensor, tf.Tensor]
    activated = tf.mul(activate(gate, activation), multiplier)
  } else {
    activated = activate(inner, activation)
    if (names.multiplier)
      activated = tf.mul(activated, linearLayer(parameters, { ...linear, name: names.multiplier }, x))
  }
  return linearLayer(
    parameters,
    { ...linear, name: names.output },
    dropoutLayer(activated, dropout, training),
  )
}

/** The parameters of a {@link feedForward} network. */
export function feedForwardSpecs(
  { input, output, multiplier, isFused }: FeedForwardNames,
  { hiddenSize, intermediateSize }: { hiddenSize: number; intermediateSize: number },
  linear: LinearKind,
): ParameterSpecs {
  const module = (name: string) => ({ ...linear, name })
  return {
    ...linearSpecs(module(input), (isFused ? 2 : 1) * intermediateSize, hiddenSize),
    ...(multiplier && linearSpecs(module(multiplier), intermediateSize, hiddenSize)),
    ...linearSpecs(module(output), hiddenSize, intermediateSize),
  }
}
