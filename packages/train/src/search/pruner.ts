import { checkCount, checkNumber } from '../check-numbers'
import { isBetter, type SearchDirection, type TrialRecord } from './trial'

/** What a pruner knows when a trial has reported. */
export interface PrunerQuestion {
  /** Its last report is the new one. */
  readonly trial: TrialRecord
  /** All trials, this one among them. */
  readonly trials: readonly TrialRecord[]
  readonly direction: SearchDirection
}

/** A way to end trials that look bad: a function of what was reported, without a state of its own. */
export interface Pruner {
  readonly name: string
  /** What it was made with; a search that is resumed must have the same. */
  readonly settings: Readonly<Record<string, number>>
  shouldPrune(this: void, question: PrunerQuestion): boolean
}

/** Options of {@link medianPruner}, with the defaults of Optuna. */
export interface MedianPrunerOptions {
  /** Nothing is pruned before so many trials have run to their end. Default 5. */
  startupTrials?: number
  /** Nothing is pruned before this step of a trial. Default 0. */
  warmupSteps?: number
}

/**
 * Ends a trial whose best report so far is worse than the median of what complete trials reported at the same step:
 * Optuna's `MedianPruner` (Golovin et al. 2017, https://dl.acm.org/doi/10.1145/3097983.3098043).
 *
 * @throws ArgumentError on counts that cannot be meant.
 */
export function medianPruner({ startupTrials = 5, warmupSteps = 0 }: MedianPrunerOptions = {}): Pruner {
  checkCount('medianPruner', { startupTrials, warmupSteps })
  return {
    name: 'median',
    settings: { startupTrials, warmupSteps },
    shouldPrune({ trial, trials, direction }) {
      const complete = trials.filter(({ state }) => state === 'complete')
      const { step } = trial.reports.at(-1)!
      if (complete.length < startupTrials || step < warmupSteps) return false
      const own = trial.reports.map(({ value }) => value).filter((value) => !Number.isNaN(value))
      if (own.length === 0) return true
      const best = direction === 'minimize' ? Math.min(...own) : Math.max(...own)
      const others = complete.flatMap(({ reports }) => reports.filter((report) => report.step === step))
      const values = others.map(({ value }) => value).filter((value) => !Number.isNaN(value))
      return values.length > 0 && isBetter(medianOf(values), best, direction)
    },
  }
}

/** Options of {@link successiveHalvingPruner}. */
export interface SuccessiveHalvingOptions {
  /** The step at which a trial is compared for the first time. Default 1. */
  minResource?: number
  /** One trial in so many goes on, to a step that is so many times as far. Default 4. */
  reductionFactor?: number
}

/**
 * Compares trials at steps 1, 4, 16, … and lets the best fourth of each rung go on: Optuna's `SuccessiveHalvingPruner`, the
 * asynchronous kind that waits for no one (Li et al. 2020, https://arxiv.org/abs/1810.05934).
 *
 * Steps must count alike in all trials, in whatever costs time. The first trials at a rung go on while they are the best.
 *
 * @throws ArgumentError on counts that cannot be meant.
 */
export function successiveHalvingPruner({
  minResource = 1,
  reductionFactor = 4,
}: SuccessiveHalvingOptions = {}): Pruner {
  checkCount('successiveHalvingPruner', { minResource }, 1)
  checkNumber('successiveHalvingPruner', { reductionFactor }, { least: 2 })
  const rungsOf = (trial: TrialRecord) => rungValues(trial, (rung) => minResource * reductionFactor ** rung)
  return {
    name: 'successiveHalving',
    settings: { minResource, reductionFactor },
    shouldPrune({ trial, trials, direction }) {
      const others = trials.filter(({ number }) => number !== trial.number).map(rungsOf)
      const { step, value } = trial.reports.at(-1)!
      const passed = rungsOf({ ...trial, reports: trial.reports.slice(0, -1) }).length
      for (let rung = passed; step >= minResource * reductionFactor ** rung; rung++) {
        if (Number.isNaN(value)) return true
        const competing = [value, ...others.flatMap((values) => values.slice(rung, rung + 1))]
        const places = Math.max(Math.floor(competing.length / reductionFactor), 1)
        const better = competing.filter((other) => isBetter(other, value, direction))
        if (better.length >= places) return true
      }
      return false
    },
  }
}

/**
 * What a trial had reported as it completed each rung.
 *
 * One report completes all rungs up to its step; one that was to be pruned, only the first of them.
 */
function rungValues({ reports }: TrialRecord, stepOf: (rung: number) => number): number[] {
  const values: number[] = []
  for (const { step, value, prune } of reports) {
    if (Number.isNaN(value)) continue
    while (step >= stepOf(values.length)) {
      values.push(value)
      if (prune) break
    }
  }
  return values
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}
