import type { ParameterStore } from '@tfx/backend'
import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { checkNoOthers } from '../check-options'
import { accumulateSlot } from '../slots'
import type { AdamOptions } from './adam-family'
import { checkNotNegative, checkRatePairs } from './check'
import { defineOptimizer, type FusedPlace, type Optimizer } from './optimizer'

/** Options of {@link scheduleFreeAdamW}. */
export interface ScheduleFreeOptions extends AdamOptions {
  /** Later steps weigh more in the average by this power of their number. Default 0. */
  averagePower?: number
  /** Steps weigh in the average by this power of the highest rate so far: warm-up counts little. Default 2. */
  learningRatePower?: number
}

/**
 * Schedule-free AdamW: an average of the iterates takes the place of a falling rate, so that training may end at any
 * step (Defazio et al., https://arxiv.org/abs/2405.15682), to the formula of the authors' AdamWScheduleFree.
 *
 * Pass a constant schedule, with a warm-up at most. The values of training lie between the iterate and the average;
 * `evaluationWeights` goes over to the average, which `fit` evaluates and ends with.
 *
 * @param options `weightDecay` is decoupled, at the values of training. Default 0.
 * @throws ArgumentError on a beta outside [0, 1), a first beta of 0, or a negative number.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: scheduleFreeAdamW(), learningRate: 2.5e-3, schedule: constantWithWarmupSchedule({ warmupSteps: 50 }) })
 * ```
 */
export function scheduleFreeAdamW({
  betas = [0.9, 0.999],
  epsilon = 1e-8,
  weightDecay = 0,
  averagePower = 0,
  learningRatePower = 2,
  ...others
}: ScheduleFreeOptions = {}): Optimizer {
  checkNoOthers('scheduleFreeAdamW', others)
  checkRatePairs('scheduleFreeAdamW', { betas })
  checkNotNegative('scheduleFreeAdamW', { epsilon, weightDecay, averagePower, learningRatePower })
  const [beta1, beta2] = betas
  if (beta1 === 0) throw noAverage()
  // x = y + (1 − 1/β₁) (z − y), and back.
  const move = (store: ParameterStore, names: readonly string[], keep: number) =>
    accumulateSlot(store, names, { from: 'z', to: 'value', keep, scale: 1 - keep })

  return defineOptimizer({
    name: 'scheduleFreeAdamW',
    settings: { betas, epsilon, averagePower, learningRatePower },
    // `progress` holds the highest rate so far and the sum of the weights of all steps.
    slots: ['z', 'expAvgSq', { name: 'progress', shape: () => [2] }],
    weightDecay,
    evaluationWeights: {
      enter: (store, names) => move(store, names, 1 / beta1),
      leave: (store, names) => move(store, names, beta1),
    },
    rule({ value, gradient, z, expAvgSq, progress }, { learningRate, weightDecay, gradientScale, step }) {
      const highest = tf.maximum(tf.slice(progress, [0], [1]), learningRate)
      const weight = tf.mul(tf.pow(highest, learningRatePower), step ** averagePower)
      const sum = tf.add(tf.slice(progress, [1], [1]), weight)
      const share = tf.divNoNan(weight, sum)
      const base = step === 1 ? value : z
      const scaled = tf.mul(gradient, gradientScale)
      const second = tf.add(tf.mul(expAvgSq, beta2), tf.mul(tf.square(scaled), 1 - beta2))
      const denominator = tf.add(tf.mul(tf.sqrt(second), 1 / Math.sqrt(1 - beta2 ** step)), epsilon)
      const update = tf.add(tf.div(scaled, denominator), tf.mul(value, weightDecay))
      const valueStep = tf.mul(tf.add(tf.mul(share, beta1), 1 - beta1), -learningRate)
      const averaged = tf.add(value, tf.mul(share, tf.sub(base, value)))
      return {
        value: tf.reshape(tf.add(averaged, tf.mul(valueStep, update)), value.shape),
        z: tf.sub(base, tf.mul(update, learningRate)),
        expAvgSq: second,
        progress: tf.concat([highest, sum]),
      }
    },
    fused(place, { learningRate, weightDecay, gradientScale, step }) {
      const { kernels, offsets, length } = place
      const { value, gradient, z, expAvgSq } = offsets
      if (step === 1) kernels.setScaled(z, value, length, 1)
      const share = advance(place, { learningRate, step })
      const averages = [beta2, 1 - beta2, 1 / Math.sqrt(1 - beta2 ** step), epsilon]
      const steps = [share, learningRate * (beta1 * (1 - share) - 1), learningRate]
      kernels.scheduleFree(
        value,
        gradient,
        z,
        expAvgSq,
        length,
        gradientScale,
        ...averages,
        weightDecay,
        ...steps,
      )
    },
  })

  /** Moves `progress` on and returns the share of this step in the average. */
  function advance(
    { memory, offsets }: FusedPlace<'progress'>,
    { learningRate, step }: { learningRate: number; step: number },
  ): number {
    const progress = new Float32Array(memory.buffer, offsets.progress, 2)
    const highest = Math.max(progress[0]!, learningRate)
    const weight = step ** averagePower * highest ** learningRatePower
    const sum = progress[1]! + weight
    progress.set([highest, sum])
    return sum === 0 ? 0 : weight / sum
  }
}

const noAverage = () =>
  new ArgumentError({
    function: 'scheduleFreeAdamW',
    argument: 'betas',
    expected: 'above 0 in the first place: the average cannot be had from values that hold none of it',
    received: '0',
    remedy: 'Leave it out to get the usual value, or use adamW.',
  })
