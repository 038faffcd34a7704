import { tf } from '@tfx/compiler'
import { checkFlags, checkNoOthers } from '../check-options'
import { movedAverage, penalizedGradient } from './adam-family'
import { checkNotNegative, checkRates } from './check'
import { defineOptimizer, type Optimizer } from './optimizer'

/** Options of {@link rmsProp}. */
export interface RmsPropOptions {
  /** Decay rate of the average of squares. Default 0.99. */
  alpha?: number
  /** Added to the denominator. Default 1e-8. */
  epsilon?: number
  /** What remains of the last step's direction. Default 0. */
  momentum?: number
  /** Divide by the standard deviation of the gradient instead of its root mean square. Default false. */
  centered?: boolean
  /** An L2 penalty, added to the gradient. Default 0. */
  weightDecay?: number
}

type RmsPropSlot = 'squareAverage' | 'gradientAverage' | 'momentumBuffer'

/**
 * RMSprop (Hinton 2012, lecture 6 of https://www.cs.toronto.edu/~tijmen/csc321), to the formula of torch.optim.RMSprop.
 * A variance that rounding makes negative counts as 0 where torch's `centered` has NaN.
 *
 * @throws ArgumentError on an alpha outside [0, 1) or a negative number.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: rmsProp({ momentum: 0.9 }), learningRate: 0.01 })
 * ```
 */
export function rmsProp({
  alpha = 0.99,
  epsilon = 1e-8,
  momentum = 0,
  centered = false,
  weightDecay = 0,
  ...others
}: RmsPropOptions = {}): Optimizer {
  checkNoOthers('rmsProp', others)
  checkRates('rmsProp', { alpha })
  checkFlags('rmsProp', { centered })
  checkNotNegative('rmsProp', { epsilon, momentum, weightDecay })
  const slots: RmsPropSlot[] = ['squareAverage']
  if (centered) slots.push('gradientAverage')
  if (momentum > 0) slots.push('momentumBuffer')
  return defineOptimizer<RmsPropSlot>({
    name: 'rmsProp',
    settings: { alpha, epsilon, momentum, centered },
    slots,
    weightDecay,
    rule({ value, gradient, squareAverage, gradientAverage, momentumBuffer }, settings) {
      const scaled = penalizedGradient(value, gradient, {
        scale: settings.gradientScale,
        l2: settings.weightDecay,
      })
      const squares = tf.add(tf.mul(squareAverage, alpha), tf.mul(tf.square(scaled), 1 - alpha))
      const mean = centered ? movedAverage(gradientAverage, scaled, alpha) : squares
      // Rounding must not make it negative, for its root would be no number.
      const variance = centered ? tf.maximum(tf.sub(squares, tf.square(mean)), 0) : squares
      const direction = tf.div(scaled, tf.add(tf.sqrt(variance), epsilon))
      const moved = momentum > 0 ? tf.add(tf.mul(momentumBuffer, momentum), direction) : direction
      return {
        value: tf.sub(value, tf.mul(moved, settings.learningRate)),
        squareAverage: squares,
        gradientAverage: mean,
        momentumBuffer: moved,
      }
    },
    fused({ kernels, offsets, length }, { learningRate, weightDecay, gradientScale }) {
      const { value, gradient, squareAverage } = offsets
      const gradientAverage = centered ? offsets.gradientAverage : 0
      const buffer = momentum > 0 ? offsets.momentumBuffer : 0
      const places = [value, gradient, squareAverage, gradientAverage, buffer]
      const scalars = [gradientScale, weightDecay, alpha, 1 - alpha, epsilon, momentum, learningRate]
      kernels.rmsprop(...places, length, ...scalars)
    },
  })
}
