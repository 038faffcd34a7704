import { tf } from '@tfx/compiler'
import { checkNoOthers } from '../check-options'
import { penalizedGradient } from './adam-family'
import { checkNotNegative } from './check'
import { defineOptimizer, type Optimizer, type StepSettings } from './optimizer'

/** Options of {@link adagrad}. */
export interface AdagradOptions {
  /** The rate of step t is divided by 1 + (t − 1) · learningRateDecay. Default 0. */
  learningRateDecay?: number
  /** What the sums of squares start from. Default 0. */
  initialAccumulatorValue?: number
  /** Added to the denominator. Default 1e-10. */
  epsilon?: number
  /** An L2 penalty, added to the gradient. Default 0. */
  weightDecay?: number
}

/**
 * Adagrad: the rate of each element falls with the sum of its squared gradients (Duchi et al.,
 * https://jmlr.org/papers/v12/duchi11a.html), to the formula of torch.optim.Adagrad.
 *
 * @throws ArgumentError on a negative number.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: adagrad(), learningRate: 0.01 })
 * ```
 */
export function adagrad({
  learningRateDecay = 0,
  initialAccumulatorValue = 0,
  epsilon = 1e-10,
  weightDecay = 0,
  ...others
}: AdagradOptions = {}): Optimizer {
  checkNoOthers('adagrad', others)
  checkNotNegative('adagrad', { learningRateDecay, initialAccumulatorValue, epsilon, weightDecay })
  const rateOf = ({ learningRate, step }: StepSettings) => learningRate / (1 + (step - 1) * learningRateDecay)
  return defineOptimizer({
    name: 'adagrad',
    settings: { learningRateDecay, initialAccumulatorValue, epsilon },
    // The start is added where the sum is used, so that the state is zero before the first step.
    slots: ['sum'],
    weightDecay,
    rule({ value, gradient, sum }, settings) {
      const { gradientScale, weightDecay } = settings
      const scaled = penalizedGradient(value, gradient, { scale: gradientScale, l2: weightDecay })
      const total = tf.add(sum, tf.square(scaled))
      const denominator = tf.add(tf.sqrt(tf.add(total, initialAccumulatorValue)), epsilon)
      return { value: tf.sub(value, tf.div(tf.mul(scaled, rateOf(settings)), denominator)), sum: total }
    },
    fused({ kernels, offsets, length }, settings) {
      const { gradientScale, weightDecay } = settings
      const scalars = [gradientScale, weightDecay, initialAccumulatorValue, epsilon, rateOf(settings)]
      kernels.adagrad(offsets.value, offsets.gradient, offsets.sum, length, ...scalars)
    },
  })
}
