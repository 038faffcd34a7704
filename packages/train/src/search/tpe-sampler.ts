import { checkCount } from '../check-numbers'
import { logDensity, parzenEstimator, sampleEstimator } from './parzen-estimator'
import { randomOf, type Sampler } from './sampler'
import { samplePoint, type SearchParameters, type SearchSpace } from './space'
import type { SearchDirection, TrialRecord } from './trial'

/** Options of {@link tpeSampler}, with the defaults of Optuna. */
export interface TpeOptions {
  /** So many trials are random, before there is something to learn from. Default 10. */
  startupTrials?: number
  /** Among how many draws the most promising is taken. Default 24. */
  candidates?: number
  /**
   * Estimate all dimensions together rather than each for itself: finds what goes together, and needs more trials to.
   * Optuna's default since 5.0. Default false.
   */
  multivariate?: boolean
}

/**
 * The Tree-structured Parzen Estimator (Bergstra et al. 2011, https://papers.nips.cc/paper/4443): estimates where good
 * trials lie and where the others do, and tries what is likely among the good and unlikely among the others.
 *
 * As `TPESampler` of Optuna: the best tenth is good, 25 at most; pruned trials come after those that ran to their end; those
 * that are running count among the others, so that workers do not try the same.
 *
 * @throws ArgumentError on counts that cannot be meant.
 *
 * @example
 * ```ts
 * await search({ space, objective, sampler: tpeSampler({ multivariate: true }), trials: 50 })
 * ```
 */
export function tpeSampler({
  startupTrials = 10,
  candidates = 24,
  multivariate = false,
}: TpeOptions = {}): Sampler {
  checkCount('tpeSampler', { startupTrials, candidates }, 1)
  return {
    name: 'tpe',
    settings: { startupTrials, candidates, multivariate },
    isFinite: false,
    suggest(question) {
      const { space, trials, direction } = question
      const random = randomOf(question)
      const finished = trials.filter(({ state }) => state === 'complete' || state === 'pruned')
      if (finished.length < startupTrials) return samplePoint(space, random)
      const { good, others } = splitTrials(trials, direction)
      const mostPromising = (part: SearchSpace) => {
        const estimators = { good: parzenEstimator(part, good), others: parzenEstimator(part, others) }
        const draws = Array.from({ length: candidates }, () => sampleEstimator(estimators.good, random))
        return highest(
          draws,
          (point) => logDensity(estimators.good, point) - logDensity(estimators.others, point),
        )
      }
      if (multivariate) return mostPromising(space)
      const parts = Object.entries(space).map(([name, dimension]) => mostPromising({ [name]: dimension }))
      return Object.assign({}, ...parts) as SearchParameters
    },
  }
}

/** The parameters of the best tenth of the trials, and of the others; failed ones tell nothing. Each in their order. */
export function splitTrials(
  trials: readonly TrialRecord[],
  direction: SearchDirection,
): Record<'good' | 'others', SearchParameters[]> {
  const complete = trials.filter(({ state }) => state === 'complete')
  const pruned = trials.filter(({ state }) => state === 'pruned')
  const running = trials.filter(({ state }) => state === 'running')
  const sign = direction === 'minimize' ? 1 : -1
  complete.sort((left, right) => ascending(sign * left.value!, sign * right.value!))
  pruned.sort((left, right) => {
    const [one, other] = [left.reports.at(-1), right.reports.at(-1)]
    if (one === undefined || other === undefined) return ascending(one ? 0 : 1, other ? 0 : 1)
    // The further it came the better it looked.
    if (one.step !== other.step) return other.step - one.step
    return ascending(sign * one.value, sign * other.value)
  })
  const ranked = [...complete, ...pruned, ...running]
  const count = Math.min(Math.ceil(0.1 * (complete.length + pruned.length)), 25)
  const parametersOf = (some: TrialRecord[]) =>
    some.sort((left, right) => left.number - right.number).map(({ parameters }) => parameters)
  return { good: parametersOf(ranked.slice(0, count)), others: parametersOf(ranked.slice(count)) }
}

/** Puts NaN last. */
function ascending(left: number, right: number): number {
  if (Number.isNaN(left) || Number.isNaN(right))
    return Number(Number.isNaN(left)) - Number(Number.isNaN(right))
  if (left === right) return 0
  return left < right ? -1 : 1
}

function highest<T extends object>(values: readonly T[], scoreOf: (value: T) => number): T {
  let best = values[0]!
  let bestScore = -Infinity
  for (const value of values) {
    const score = scoreOf(value)
    if (score > bestScore) [best, bestScore] = [value, score]
  }
  return best
}
