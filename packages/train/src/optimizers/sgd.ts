import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { checkFlags, checkNoOthers } from '../check-options'
import { penalizedGradient } from './adam-family'
import { checkNotNegative } from './check'
import { defineOptimizer, type Optimizer, type StepSettings } from './optimizer'

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** What remains of the last step's direction. Default 0. */
  momentum?: number
  /** The share of the gradient that momentum leaves out. Default 0. */
  dampening?: number
  /** Nesterov's momentum: look where the step will lead. Default false. */
  nesterov?: boolean
  /** An L2 penalty, added to the gradient. Default 0. */
  weightDecay?: number
}

/**
 * Stochastic gradient descent, to the formula of torch.optim.SGD. Without momentum it keeps no state.
 *
 * @throws ArgumentError on a negative number, or on Nesterov's momentum without momentum or with dampening.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: sgd({ momentum: 0.9, nesterov: true }), learningRate: 0.01 })
 * ```
 */
export function sgd({
  momentum = 0,
  dampening = 0,
  nesterov = false,
  weightDecay = 0,
  ...others
}: SgdOptions = {}): Optimizer {
  checkNoOthers('sgd', others)
  checkFlags('sgd', { nesterov })
  checkNotNegative('sgd', { momentum, dampening, weightDecay })
  if (nesterov && (momentum === 0 || dampening !== 0)) throw invalidNesterov(momentum, dampening)
  if (momentum === 0) return plain(weightDecay)

  const scalarsOf = ({ learningRate, step }: StepSettings) => ({
    // The first direction is the gradient itself: torch dampens it only from the second step on.
    rate: step === 1 ? 1 : 1 - dampening,
    gradientStep: nesterov ? learningRate : 0,
    bufferStep: nesterov ? learningRate * momentum : learningRate,
  })
  return defineOptimizer({
    name: 'sgd',
    settings: { momentum, dampening, nesterov },
    slots: ['momentumBuffer'],
    weightDecay,
    rule({ value, gradient, momentumBuffer }, settings) {
      const { rate, gradientStep, bufferStep } = scalarsOf(settings)
      const scaled = penalizedGradient(value, gradient, {
        scale: settings.gradientScale,
        l2: settings.weightDecay,
      })
      const moved = tf.add(tf.mul(momentumBuffer, momentum), tf.mul(scaled, rate))
      const step = tf.add(tf.mul(scaled, gradientStep), tf.mul(moved, bufferStep))
      return { value: tf.sub(value, step), momentumBuffer: moved }
    },
    fused({ kernels, offsets, length }, settings) {
      const { rate, gradientStep, bufferStep } = scalarsOf(settings)
      const { value, gradient, momentumBuffer } = offsets
      const { gradientScale, weightDecay } = settings
      const scalars = [gradientScale, weightDecay, momentum, rate, gradientStep, bufferStep]
      kernels.momentum(value, gradient, momentumBuffer, length, ...scalars)
    },
  })
}

function plain(weightDecay: number): Optimizer {
  const scalarsOf = ({ learningRate, weightDecay, gradientScale }: StepSettings) => ({
    keep: 1 - learningRate * weightDecay,
    stepSize: learningRate * gradientScale,
  })
  return defineOptimizer<never>({
    name: 'sgd',
    settings: { momentum: 0 },
    slots: [],
    weightDecay,
    rule({ value, gradient }, settings) {
      const { keep, stepSize } = scalarsOf(settings)
      return { value: tf.sub(tf.mul(value, keep), tf.mul(gradient, stepSize)) }
    },
    fused({ kernels, offsets, length }, settings) {
      const { keep, stepSize } = scalarsOf(settings)
      kernels.blend(offsets.value, offsets.gradient, length, keep, -stepSize)
    },
  })
}

const invalidNesterov = (momentum: number, dampening: number) =>
  new ArgumentError({
    function: 'sgd',
    argument: 'nesterov',
    expected: 'left out unless there is momentum and no dampening',
    received: `true with momentum ${momentum} and dampening ${dampening}`,
    remedy: 'Pass { momentum: 0.9, nesterov: true }.',
  })
