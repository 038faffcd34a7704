import { ArgumentError, describeValue } from '@tfx/common'
import { checkNoOthers } from '../check-options'
import { adafactor } from './adafactor'
import { adagrad } from './adagrad'
import { adam } from './adam'
import { adamW } from './adamw'
import { combineOptimizers } from './combine-optimizers'
import { lamb } from './lamb'
import { lion } from './lion'
import { isHiddenMatrix, muon } from './muon'
import { nAdam } from './nadam'
import type { Optimizer } from './optimizer'
import { rAdam } from './radam'
import { rmsProp } from './rmsprop'
import { scheduleFreeAdamW } from './schedule-free'
import { sgd } from './sgd'

const makers = {
  adamW,
  adam,
  adafactor,
  adagrad,
  lamb,
  lion,
  // What muon is not for learns by AdamW; at this adjustment both take the same rate.
  muon: ({ weightDecay }) =>
    combineOptimizers([
      { optimizer: muon({ weightDecay, adjustment: 'matchAdamW' }), matches: isHiddenMatrix },
      { optimizer: adamW({ weightDecay }) },
    ]),
  nAdam,
  rAdam,
  rmsProp,
  scheduleFreeAdamW,
  sgd: ({ weightDecay }) => sgd({ momentum: 0.9, weightDecay }),
} satisfies Record<string, (options: { weightDecay: number }) => Optimizer>

/** Names of the optimizers. */
export type OptimizerName = keyof typeof makers

/** All of them. */
export const optimizerNames = Object.keys(makers) as readonly OptimizerName[]

/**
 * An optimizer with its usual settings: `sgd` with momentum 0.9, `muon` with AdamW for what is no hidden matrix.
 *
 * @throws ArgumentError on another name, or an option beside `weightDecay`: those are of the optimizers' own functions.
 *
 * @example
 * ```ts
 * const optimizer = optimizerByName('lion', { weightDecay: 0.1 })
 * ```
 */
export function optimizerByName(
  name: OptimizerName,
  { weightDecay = 0, ...others }: { weightDecay?: number } = {},
): Optimizer {
  checkNoOthers('optimizerByName', others)
  if (Object.hasOwn(makers, name)) return makers[name]({ weightDecay })
  throw new ArgumentError({
    function: 'optimizerByName',
    argument: 'name',
    expected: `one of ${optimizerNames.join(', ')}`,
    received: describeValue(name),
    remedy: 'Choose one of them, or pass an optimizer made by its own function.',
  })
}
