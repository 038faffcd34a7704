import { adamFamily, type AdamOptions } from './adam-family'
import type { Optimizer } from './optimizer'

/** Options of {@link adamW}; `weightDecay` is 0 as in the Hugging Face Trainer (torch.optim.AdamW has 0.01). */
export type AdamWOptions = AdamOptions

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
export function adamW(options: AdamWOptions = {}): Optimizer {
  return adamFamily(options, {
    name: 'adamW',
    scalars: ({ learningRate, weightDecay, step }, { betas: [beta1, beta2], epsilon }) => ({
      keep: 1 - learningRate * weightDecay,
      firstStep: learningRate / (1 - beta1 ** step),
      correction: 1 / Math.sqrt(1 - beta2 ** step),
      epsilon,
    }),
  })
}
