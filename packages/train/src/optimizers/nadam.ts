import { checkFlags } from '../check-options'
import { adamFamily, type AdamOptions } from './adam-family'
import { checkNotNegative } from './check'
import type { Optimizer } from './optimizer'

/** Options of {@link nAdam}. */
export interface NAdamOptions extends AdamOptions {
  /** How fast the momentum rises to β₁. Default 0.004. */
  momentumDecay?: number
  /** Decay the values instead of adding an L2 penalty. Default false. */
  decoupledWeightDecay?: boolean
}

/**
 * NAdam: Adam with Nesterov's momentum (Dozat, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ), to the formula of
 * torch.optim.NAdam.
 *
 * @throws ArgumentError on a beta outside [0, 1), a negative epsilon, weight decay or momentum decay.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: nAdam() })
 * ```
 */
export function nAdam({
  momentumDecay = 0.004,
  decoupledWeightDecay = false,
  ...options
}: NAdamOptions = {}): Optimizer {
  checkNotNegative('nAdam', { momentumDecay })
  checkFlags('nAdam', { decoupledWeightDecay })
  const momentumAt = (step: number, beta1: number) => beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay))
  // products[t] is that of the momenta of steps 1 to t: no state, for it follows from the step alone.
  const products = [1]
  return adamFamily(options, {
    name: 'nAdam',
    settings: { momentumDecay, decoupledWeightDecay },
    scalars({ learningRate, weightDecay, step }, { betas: [beta1, beta2], epsilon }) {
      for (let t = products.length; t <= step; t++) products.push(products[t - 1]! * momentumAt(t, beta1))
      const product = products[step]!
      const next = momentumAt(step + 1, beta1)
      return {
        ...(decoupledWeightDecay ? { keep: 1 - learningRate * weightDecay } : { l2: weightDecay }),
        firstStep: (learningRate * next) / (1 - product * next),
        gradientStep: (learningRate * (1 - momentumAt(step, beta1))) / (1 - product),
        correction: 1 / Math.sqrt(1 - beta2 ** step),
        epsilon,
      }
    },
  })
}
