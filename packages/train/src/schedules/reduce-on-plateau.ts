import { checkCount, checkNumber } from '../check-numbers'
import { checkNoOthers, checkOneOf } from '../check-options'

/** Options of {@link reduceOnPlateau}, with torch's names and defaults. */
export interface PlateauOptions {
  /** The base learning rate, which `minLearningRate` and `epsilon` are measured by. */
  learningRate: number
  /** Whether a lower or a higher metric is better. Default `min`. */
  mode?: 'min' | 'max'
  /** What the rate is multiplied with. Below 1; default 0.1. */
  factor?: number
  /** Evaluations without an improvement that are let pass. Default 10. */
  patience?: number
  /** What counts as an improvement. Default 1e-4. */
  threshold?: number
  /** Whether `threshold` is a part of the best metric or a difference. Default `relative`. */
  thresholdMode?: 'relative' | 'absolute'
  /** Evaluations after a reduction in which none is counted as bad. Default 0. */
  cooldown?: number
  /** Default 0. */
  minLearningRate?: number
  /** A reduction by no more than this is left out. Default 1e-8. */
  epsilon?: number
}

/** What has been seen so far: plain data, to be saved as JSON and passed on. */
export interface PlateauState {
  /** The factor on the base learning rate. */
  readonly scale: number
  /** The best metric; absent before the first that is better than the worst infinity. */
  readonly best?: number
  readonly badEvaluations: number
  readonly cooldownLeft: number
}

/** A pure pair: where it starts, and what one evaluation changes. */
export interface PlateauRule {
  readonly initial: PlateauState
  /** @throws ArgumentError if the metric is NaN. */
  update(this: void, state: PlateauState, metric: number): PlateauState
}

/**
 * Lowers the learning rate when a metric stops improving: `torch.optim.lr_scheduler.ReduceLROnPlateau`.
 *
 * @throws ArgumentError on values that cannot be meant.
 *
 * @example
 * ```ts
 * const rule = reduceOnPlateau({ learningRate: 5e-5, patience: 1 })
 * let state = rule.initial
 * for (const loss of [0.5, 0.5, 0.5]) state = rule.update(state, loss)
 * state.scale // 0.1
 * ```
 */
export function reduceOnPlateau({
  learningRate,
  mode = 'min',
  factor = 0.1,
  patience = 10,
  threshold = 1e-4,
  thresholdMode = 'relative',
  cooldown = 0,
  minLearningRate = 0,
  epsilon = 1e-8,
  ...others
}: PlateauOptions): PlateauRule {
  const caller = 'reduceOnPlateau'
  checkNoOthers(caller, others)
  checkOneOf(caller, { mode }, ['min', 'max'])
  checkOneOf(caller, { thresholdMode }, ['relative', 'absolute'])
  checkCount(caller, { patience, cooldown })
  checkNumber(caller, { factor }, { least: 0, most: 1 - Number.EPSILON })
  checkNumber(caller, { learningRate, threshold, minLearningRate, epsilon }, { least: 0 })
  const sign = mode === 'min' ? -1 : 1
  // As in torch the worst infinity is where it starts: no metric is better than that with a `threshold` of 1 or more.
  const worst = mode === 'min' ? Infinity : -Infinity
  const isBetter = (metric: number, seen: number | null | undefined) => {
    // JSON makes null of an infinity, and only the best one is ever kept.
    const best = seen === null ? -worst : (seen ?? worst)
    const bar = thresholdMode === 'relative' ? best * (1 + sign * threshold) : best + sign * threshold
    return mode === 'min' ? metric < bar : metric > bar
  }
  return {
    initial: { scale: 1, badEvaluations: 0, cooldownLeft: 0 },
    update({ scale, best, badEvaluations, cooldownLeft }, metric) {
      checkNumber('reduceOnPlateau.update', { metric }, { least: -Infinity, most: Infinity })
      const improved = isBetter(metric, best)
      const isCooling = cooldownLeft > 0
      const bad = improved || isCooling ? 0 : badEvaluations + 1
      const newBest = improved ? metric : best
      const seen = {
        ...(newBest === undefined ? {} : { best: newBest }),
        cooldownLeft: isCooling ? cooldownLeft - 1 : 0,
      }
      if (bad <= patience) return { ...seen, scale, badEvaluations: bad }
      const rate = scale * learningRate
      const lower = Math.max(rate * factor, minLearningRate)
      const isWorthIt = rate - lower > epsilon
      return {
        ...seen,
        scale: isWorthIt ? lower / learningRate : scale,
        badEvaluations: 0,
        cooldownLeft: cooldown,
      }
    },
  }
}
