import { tf } from '@tfx/compiler'
import { checkNoOthers } from '../check-options'
import { checkNotNegative, checkRatePairs } from './check'
import { defineOptimizer, type Optimizer } from './optimizer'

/** Options of {@link lion}. */
export interface LionOptions {
  /** The weight of the average in the direction, and its own decay rate. Default [0.9, 0.99]. */
  betas?: readonly [number, number]
  /** Decoupled; three to ten times that of AdamW, for the rate is as much lower. Default 0. */
  weightDecay?: number
}

/**
 * Lion: every element moves by the learning rate, in the direction of an averaged sign (Chen et al.,
 * https://arxiv.org/abs/2302.06675). Its state is half of Adam's; its rate should be three to ten times lower.
 *
 * @throws ArgumentError on a beta outside [0, 1) or a negative weight decay.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: lion({ weightDecay: 0.1 }), learningRate: 1e-5 })
 * ```
 */
export function lion({ betas = [0.9, 0.99], weightDecay = 0, ...others }: LionOptions = {}): Optimizer {
  checkNoOthers('lion', others)
  checkRatePairs('lion', { betas })
  checkNotNegative('lion', { weightDecay })
  const [beta1, beta2] = betas
  return defineOptimizer({
    name: 'lion',
    settings: { betas },
    slots: ['expAvg'],
    weightDecay,
    rule({ value, gradient, expAvg }, { learningRate, weightDecay, gradientScale }) {
      const scaled = tf.mul(gradient, gradientScale)
      const direction = tf.sign(tf.add(tf.mul(expAvg, beta1), tf.mul(scaled, 1 - beta1)))
      return {
        value: tf.sub(tf.mul(value, 1 - learningRate * weightDecay), tf.mul(direction, learningRate)),
        expAvg: tf.add(tf.mul(expAvg, beta2), tf.mul(scaled, 1 - beta2)),
      }
    },
    fused({ kernels, offsets, length }, { learningRate, weightDecay, gradientScale }) {
      const rates = [beta1, 1 - beta1, beta2, 1 - beta2]
      const steps = [1 - learningRate * weightDecay, learningRate]
      kernels.lion(offsets.value, offsets.gradient, offsets.expAvg, length, gradientScale, ...rates, ...steps)
    },
  })
}
