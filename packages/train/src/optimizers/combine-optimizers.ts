import { slotName, type SlotSpec } from '@tfx/backend'
import { ArgumentError } from '@tfx/common'
import { checkNotNegative } from './check'
import type { Optimizer } from './optimizer'

/** One of several optimizers, and what it is for. */
export interface OptimizerShare {
  readonly optimizer: Optimizer
  /** Whether a parameter is this one's; default: every one that none before has taken. */
  readonly matches?: (name: string, shape: readonly number[]) => boolean
  /** The factor on the learning rate. Default 1. */
  readonly learningRateScale?: number
}

/**
 * Gives each parameter to the first of several optimizers that matches. Memory is kept only for the state that a
 * parameter's own optimizer has.
 *
 * The weight decay of the groups is passed to all; that of the first optimizer is the default.
 *
 * @throws ArgumentError if there is none, on a factor that is negative, if one has evaluation weights of its own, or, in an update or the making of a
 *   store, if no optimizer matches a parameter.
 *
 * @example
 * ```ts
 * const optimizer = combineOptimizers([
 *   { optimizer: muon(), matches: isHiddenMatrix, learningRateScale: 10 },
 *   { optimizer: adamW() },
 * ])
 * ```
 */
export function combineOptimizers(shares: readonly OptimizerShare[]): Optimizer {
  const [first] = shares
  if (first === undefined) throw invalid('one or more optimizers', 'none')
  for (const { learningRateScale = 1 } of shares) checkNotNegative('combineOptimizers', { learningRateScale })
  const withWeights = shares.find(({ optimizer }) => optimizer.evaluationWeights !== undefined)
  if (withWeights) {
    throw invalid('optimizers that train the weights they evaluate', `'${withWeights.optimizer.name}'`)
  }
  const shareOf = (name: string, shape: readonly number[]) => {
    const share = shares.find(({ matches }) => matches?.(name, shape) ?? true)
    if (share === undefined) throw invalid('optimizers that match every parameter', `none for '${name}'`)
    return share
  }
  return {
    name: shares.map(({ optimizer }) => optimizer.name).join('+'),
    slots: combineSlots(shares, shareOf),
    weightDecay: first.optimizer.weightDecay,
    settings: {
      shares: shares.map(({ optimizer: { settings, weightDecay }, learningRateScale = 1 }) => ({
        ...settings,
        weightDecay,
        learningRateScale,
      })),
    },
    update({ names, store, learningRate, ...settings }) {
      for (const share of shares) {
        const { optimizer, learningRateScale = 1 } = share
        const own = names.filter((name) => shareOf(name, store.shapes[name] ?? []) === share)
        if (own.length === 0) continue
        const rate = learningRate * learningRateScale
        optimizer.update({ ...settings, store, names: own, learningRate: rate })
      }
    },
  }
}

/** Slots of the same name are one: its shape is what the parameter's own optimizer says, or nothing. */
function combineSlots(
  shares: readonly OptimizerShare[],
  shareOf: (name: string, shape: readonly number[]) => OptimizerShare,
): SlotSpec[] {
  const names = new Set(shares.flatMap(({ optimizer }) => optimizer.slots.map(slotName)))
  return [...names].map((name) => ({
    name,
    shape(shape, parameter) {
      const slot = shareOf(parameter, shape).optimizer.slots.find((spec) => slotName(spec) === name)
      if (slot === undefined) return [0]
      return typeof slot === 'string' ? shape : slot.shape(shape, parameter)
    },
  }))
}

function invalid(expected: string, received: string): ArgumentError {
  const remedy = 'End the list with an optimizer without `matches`, such as { optimizer: adamW() }.'
  return new ArgumentError({ function: 'combineOptimizers', argument: 'shares', expected, received, remedy })
}
