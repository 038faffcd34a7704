import { checkFlags } from '../check-options'
import { adamFamily, type AdamOptions } from './adam-family'
import type { Optimizer } from './optimizer'

/** Options of {@link rAdam}. */
export interface RAdamOptions extends AdamOptions {
  /** Decay the values instead of adding an L2 penalty. Default false. */
  decoupledWeightDecay?: boolean
}

/**
 * RAdam: Adam whose first steps, while the variance of the adaptive rate is unbounded, do not adapt (Liu et al.,
 * https://arxiv.org/abs/1908.03265), to the formula of torch.optim.RAdam. It needs no warm-up.
 *
 * @throws ArgumentError on a beta outside [0, 1), a negative epsilon or weight decay.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: rAdam() })
 * ```
 */
export function rAdam({ decoupledWeightDecay = false, ...options }: RAdamOptions = {}): Optimizer {
  checkFlags('rAdam', { decoupledWeightDecay })
  return adamFamily(options, {
    name: 'rAdam',
    settings: { decoupledWeightDecay },
    scalars({ learningRate, weightDecay, step }, { betas: [beta1, beta2], epsilon }) {
      const decay = decoupledWeightDecay ? { keep: 1 - learningRate * weightDecay } : { l2: weightDecay }
      const firstStep = learningRate / (1 - beta1 ** step)
      const correction2 = 1 - beta2 ** step
      // The length of the simple average that approximates this one; above 5 its variance is bounded.
      const limit = 2 / (1 - beta2) - 1
      const length = limit - (2 * step * beta2 ** step) / correction2
      if (length <= 5) return { ...decay, firstStep, correction: 0, epsilon: 1 }
      const variance = ((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length)
      // torch adds epsilon before the correction of the bias.
      return { ...decay, firstStep: firstStep * Math.sqrt(variance * correction2), correction: 1, epsilon }
    },
  })
}
