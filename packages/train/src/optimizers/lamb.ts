import { tf } from '@tfx/compiler'
import { checkNoOthers } from '../check-options'
import { checkNotNegative, checkRatePairs } from './check'
import type { AdamOptions } from './adam-family'
import { defineOptimizer, type Optimizer, type StepSettings } from './optimizer'

/**
 * LAMB: Adam whose step on each parameter is as long as the parameter itself, for very large batches (You et al.,
 * https://arxiv.org/abs/1904.00962, with bias correction). Where nothing is decayed there is no scaling by norms, as in
 * the authors' and in timm's code.
 *
 * @param options `epsilon`: default 1e-6. `weightDecay`: part of the step that is scaled.
 * @throws ArgumentError on a beta outside [0, 1), a negative epsilon or weight decay.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: lamb({ weightDecay: 0.01 }), learningRate: 2e-3 })
 * ```
 */
export function lamb({
  betas = [0.9, 0.999],
  epsilon = 1e-6,
  weightDecay = 0,
  ...others
}: AdamOptions = {}): Optimizer {
  checkNoOthers('lamb', others)
  checkRatePairs('lamb', { betas })
  checkNotNegative('lamb', { epsilon, weightDecay })
  const [beta1, beta2] = betas
  const scalarsOf = ({ step }: StepSettings) => ({
    inverseCorrection1: 1 / (1 - beta1 ** step),
    correction: 1 / Math.sqrt(1 - beta2 ** step),
  })
  return defineOptimizer({
    name: 'lamb',
    settings: { betas, epsilon },
    slots: ['expAvg', 'expAvgSq'],
    weightDecay,
    rule({ value, gradient, expAvg, expAvgSq }, settings) {
      const { inverseCorrection1, correction } = scalarsOf(settings)
      const { learningRate, weightDecay, gradientScale } = settings
      const scaled = tf.mul(gradient, gradientScale)
      const first = tf.add(tf.mul(expAvg, beta1), tf.mul(scaled, 1 - beta1))
      const second = tf.add(tf.mul(expAvgSq, beta2), tf.mul(tf.square(scaled), 1 - beta2))
      const denominator = tf.add(tf.mul(tf.sqrt(second), correction), epsilon)
      const direction = tf.div(tf.mul(first, inverseCorrection1), denominator)
      const update = tf.add(direction, tf.mul(value, weightDecay))
      const step = weightDecay === 0 ? update : tf.mul(update, trustRatio(value, update))
      return { value: tf.sub(value, tf.mul(step, learningRate)), expAvg: first, expAvgSq: second }
    },
    fused({ kernels, offsets, length }, settings) {
      const { inverseCorrection1, correction } = scalarsOf(settings)
      const { learningRate, weightDecay, gradientScale } = settings
      const { value, gradient, expAvg, expAvgSq } = offsets
      const places = [value, gradient, expAvg, expAvgSq, length] as const
      // The first pass moves the averages alone, the last the values alone; the norms lie between them.
      kernels.adam(...places, gradientScale, 0, beta1, 1 - beta1, beta2, 1 - beta2, 1, 1, 1, 0, 0)
      const step = [value, expAvg, expAvgSq, length, inverseCorrection1, correction, epsilon, weightDecay]
      let rate = learningRate
      if (weightDecay !== 0) {
        const update = kernels.lambSquares(...step)
        const weights = kernels.sumOfSquares(value, length)
        if (update > 0 && weights > 0) rate *= Math.sqrt(weights / update)
      }
      kernels.lambStep(...step, rate)
    },
  })
}

/** The norm of the weights over the norm of their update; 1 if either is 0. */
function trustRatio(value: tf.Tensor, update: tf.Tensor): tf.Tensor {
  const [weights, length] = [tf.norm(value), tf.norm(update)]
  const isUsable = tf.logicalAnd(tf.greater(weights, 0), tf.greater(length, 0))
  return tf.where(isUsable, tf.div(weights, length), tf.onesLike(length))
}
