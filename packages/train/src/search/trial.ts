import type { SearchParameters, SearchSpace } from './space'

/** A value of the objective on the way to its last one. */
export interface TrialReport {
  /** How far the trial was: steps, epochs, whatever all trials count alike. */
  readonly step: number
  readonly value: number
  /** What the pruner said to it. */
  readonly prune: boolean
}

/** Whether the smallest or the largest value of the objective is the best. */
export type SearchDirection = 'minimize' | 'maximize'

/** What is known of one trial: plain data. */
export interface TrialRecord<Space extends SearchSpace = SearchSpace> {
  /** From 0, in the order of their beginning. */
  readonly number: number
  readonly parameters: SearchParameters<Space>
  readonly state: 'running' | 'complete' | 'pruned' | 'failed'
  /** In the order of their steps. */
  readonly reports: readonly TrialReport[]
  /** What the objective returned, if the trial is complete. */
  readonly value?: number
  /** Why it failed, if it did. */
  readonly error?: string
}

/** What an objective is given to talk to its search. */
export interface Trial {
  /** From 0. */
  readonly number: number
  /**
   * A place of its own in the search's directory, for checkpoints that survive a kill; not created. Undefined if the
   * search has no directory.
   */
  readonly directory: string | undefined
  /** Fires when the trial should stop: it is pruned, or the search was aborted. What it throws then counts as that. */
  readonly signal: AbortSignal
  /**
   * Tells how good the parameters look so far.
   *
   * @param step An integer of at least 0 that rises. What was reported before a kill need not be again, and is known.
   * @returns Whether the trial should stop, because it is pruned or the search is at its end; `signal` has fired then.
   * @throws ArgumentError on a step that is no such integer.
   */
  report(this: void, step: number, value: number): Promise<boolean>
}

/** Whether a value of the objective is better than another. */
export function isBetter(value: number, other: number, direction: SearchDirection): boolean {
  return direction === 'minimize' ? value < other : value > other
}

/** The best of the trials that ran to their end; the first of equals. */
export function bestTrial<Space extends SearchSpace>(
  trials: readonly TrialRecord<Space>[],
  direction: SearchDirection,
): TrialRecord<Space> | undefined {
  let best: TrialRecord<Space> | undefined
  for (const trial of trials) {
    if (trial.value === undefined) continue
    if (best?.value === undefined || isBetter(trial.value, best.value, direction)) best = trial
  }
  return best
}
