import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { defineOptimizer, type Optimizer, type StepSettings } from './optimizer'

/** Options of {@link adamW}. */
export interface AdamWOptions {
  /** Decay rates of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas?: readonly [number, number]
  /** Added to the denominator, after the bias correction. Default 1e-8. */
  epsilon?: number
  /** Default 0, as in the Hugging Face Trainer (torch.optim.AdamW itself has 0.01). */
  weightDecay?: number
}

/**
 * AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, https://arxiv.org/abs/1711.05101), to the
 * formula of torch.optim.AdamW:
 *
 *     value ← value · (1 − lr · weightDecay) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
 *
 * @throws ArgumentError on a beta outside [0, 1), a negative epsilon or weight decay.
 *
 * @example
 * ```ts
 * const optimizer = adamW({ weightDecay: 0.01 })
 * const store = engine.createStore(shapes, ['gradient', ...optimizer.slots])
 * optimizer.update({ store, names: ['w'], learningRate: 1e-3, weightDecay: 0.01, step: 1, gradientScale: 1 })
 * ```
 */
export function adamW({
  betas = [0.9, 0.999],
  epsilon = 1e-8,
  weightDecay = 0,
}: AdamWOptions = {}): Optimizer {
  const [beta1, beta2] = betas
  const isRate = (beta: number) => beta >= 0 && beta < 1
  if (!isRate(beta1) || !isRate(beta2)) throw invalid('betas', 'two numbers in [0, 1)', betas.join(', '))
  if (!(epsilon >= 0)) throw invalid('epsilon', 'at least 0', String(epsilon))
  if (!(weightDecay >= 0)) throw invalid('weightDecay', 'at least 0', String(weightDecay))

  // Scalars are computed here, in float64, for both forms.
  const scalarsOf = ({ learningRate, weightDecay, step }: StepSettings) => ({
    keep: 1 - learningRate * weightDecay,
    stepSize: learningRate / (1 - beta1 ** step),
    inverseRootCorrection2: 1 / Math.sqrt(1 - beta2 ** step),
  })

  return defineOptimizer({
    name: 'adamW',
    slots: ['expAvg', 'expAvgSq'],
    weightDecay,
    rule({ value, gradient, expAvg, expAvgSq }, settings) {
      const { keep, stepSize, inverseRootCorrection2 } = scalarsOf(settings)
      const scaled = tf.mul(gradient, settings.gradientScale)
      const first = tf.add(expAvg, tf.mul(tf.sub(scaled, expAvg), 1 - beta1))
      const second = tf.add(tf.mul(expAvgSq, beta2), tf.mul(tf.square(scaled), 1 - beta2))
      const denominator = tf.add(tf.mul(tf.sqrt(second), inverseRootCorrection2), epsilon)
      const moved = tf.sub(tf.mul(value, keep), tf.mul(tf.div(first, denominator), stepSize))
      return { value: moved, expAvg: first, expAvgSq: second }
    },
    fused({ kernels, offsets, length }, settings) {
      const { keep, stepSize, inverseRootCorrection2 } = scalarsOf(settings)
      kernels.adamW(
        offsets.value,
        offsets.gradient,
        offsets.expAvg,
        offsets.expAvgSq,
        length,
        1 - beta1,
        beta2,
        1 - beta2,
        inverseRootCorrection2,
        epsilon,
        keep,
        stepSize,
        settings.gradientScale,
      )
    },
  })
}

function invalid(argument: string, expected: string, received: string): ArgumentError {
  const remedy = 'Leave it out to get the usual value.'
  return new ArgumentError({ function: 'adamW', argument, expected, received, remedy })
}
