import { tf } from '@tfx/compiler'
import { checkNoOthers } from '../check-options'
import { checkNotNegative, checkRatePairs } from './check'
import { defineOptimizer, type Optimizer, type StepSettings } from './optimizer'

/** Options that Adam and its kin share. */
export interface AdamOptions {
  /** Decay rates of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas?: readonly [number, number]
  /** Added to the denominator. Default 1e-8. */
  epsilon?: number
  /** Default 0. */
  weightDecay?: number
}

/** The scalars of one step, computed in float64 for both forms. */
export interface AdamScalars {
  /** The factor on the old value: 1, less decoupled decay. */
  readonly keep?: number
  /** The factor of the L2 penalty's gradient, which is the value. Default 0. */
  readonly l2?: number
  /** The factor on the average of the gradients. */
  readonly firstStep: number
  /** The factor on the gradient itself. Default 0. */
  readonly gradientStep?: number
  /** The factor on the root of the average of squares; 0 for a step that does not adapt. */
  readonly correction: number
  readonly epsilon: number
}

/**
 * An optimizer that divides averaged gradients by the root of averaged squares:
 *
 *     value ← keep · value − (firstStep · m + gradientStep · g) / (correction · √v + ε)
 *
 * @param family `scalars`: what tells this member from the others.
 * @throws ArgumentError on a beta outside [0, 1), a negative epsilon or weight decay, an option that there is not.
 */
export function adamFamily(
  { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, ...others }: AdamOptions,
  family: {
    name: string
    /** Those that the others do not have. */
    settings?: object
    scalars: (settings: StepSettings, options: Required<AdamOptions>) => AdamScalars
  },
): Optimizer {
  const { name } = family
  checkNoOthers(name, others)
  checkRatePairs(name, { betas })
  checkNotNegative(name, { epsilon, weightDecay })
  const [beta1, beta2] = betas
  const scalarsOf = (settings: StepSettings): Required<AdamScalars> => {
    const defaults = { keep: 1, l2: 0, gradientStep: 0 }
    return { ...defaults, ...family.scalars(settings, { betas, epsilon, weightDecay }) }
  }

  return defineOptimizer({
    name,
    settings: { betas, epsilon, ...family.settings },
    slots: ['expAvg', 'expAvgSq'],
    weightDecay,
    rule({ value, gradient, expAvg, expAvgSq }, settings) {
      const { keep, l2, firstStep, gradientStep, correction, epsilon } = scalarsOf(settings)
      const scaled = penalizedGradient(value, gradient, { scale: settings.gradientScale, l2 })
      const first = movedAverage(expAvg, scaled, beta1)
      const second = tf.add(tf.mul(expAvgSq, beta2), tf.mul(tf.square(scaled), 1 - beta2))
      const denominator = tf.add(tf.mul(tf.sqrt(second), correction), epsilon)
      const step = tf.add(tf.mul(first, firstStep), tf.mul(scaled, gradientStep))
      const moved = tf.sub(tf.mul(value, keep), tf.div(step, denominator))
      return { value: moved, expAvg: first, expAvgSq: second }
    },
    fused({ kernels, offsets, length }, settings) {
      const { keep, l2, firstStep, gradientStep, correction, epsilon } = scalarsOf(settings)
      kernels.adam(
        offsets.value,
        offsets.gradient,
        offsets.expAvg,
        offsets.expAvgSq,
        length,
        settings.gradientScale,
        l2,
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        correction,
        epsilon,
        keep,
        firstStep,
        gradientStep,
      )
    },
  })
}

/**
 * beta · average + (1 − beta) · x, from the nearer end as torch's lerp: where little of the average remains, its
 * difference from x would leave x its rounding.
 */
export function movedAverage(average: tf.Tensor, x: tf.Tensor, beta: number): tf.Tensor {
  return beta > 0.5
    ? tf.add(average, tf.mul(tf.sub(x, average), 1 - beta))
    : tf.add(x, tf.mul(tf.sub(average, x), beta))
}

/** The gradient of the loss and of an L2 penalty. */
export function penalizedGradient(
  value: tf.Tensor,
  gradient: tf.Tensor,
  { scale, l2 }: { scale: number; l2: number },
): tf.Tensor {
  const scaled = tf.mul(gradient, scale)
  return l2 === 0 ? scaled : tf.add(scaled, tf.mul(value, l2))
}
