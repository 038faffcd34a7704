import { adamFamily, type AdamOptions } from './adam-family'
import type { Optimizer } from './optimizer'

/**
 * Adam (Kingma and Ba, https://arxiv.org/abs/1412.6980), to the formula of torch.optim.Adam. Its weight decay is an L2
 * penalty, added to the gradient; {@link adamW} decays the values instead, which is what fine-tuning wants.
 *
 * @throws ArgumentError on a beta outside [0, 1), a negative epsilon or weight decay.
 *
 * @example
 * ```ts
 * await fit({ … optimizer: adam({ weightDecay: 1e-4 }) })
 * ```
 */
export function adam(options: AdamOptions = {}): Optimizer {
  return adamFamily(options, {
    name: 'adam',
    scalars: ({ learningRate, weightDecay, step }, { betas: [beta1, beta2], epsilon }) => ({
      l2: weightDecay,
      firstStep: learningRate / (1 - beta1 ** step),
      correction: 1 / Math.sqrt(1 - beta2 ** step),
      epsilon,
    }),
  })
}
