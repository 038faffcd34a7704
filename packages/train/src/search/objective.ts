import type { SearchParameters, SearchSpace } from './space'
import type { Trial } from './trial'

/**
 * What a search makes as small, or as large, as it can.
 *
 * @returns Its value for these parameters. A trial that throws, or whose value is NaN, has failed; the search goes on.
 */
export type Objective<Space extends SearchSpace = SearchSpace> = (
  parameters: SearchParameters<Space>,
  trial: Trial,
) => number | Promise<number>

/** A trial as its search hands it to whatever runs it. */
export interface TrialTask {
  readonly number: number
  readonly parameters: SearchParameters
  readonly directory: string | undefined
  /** Fires when the trial should stop. */
  readonly signal: AbortSignal
  /** Books a report; returns whether to stop. @throws ArgumentError on a step that is no integer of at least 0. */
  report(this: void, step: number, value: number): boolean
}

/** What became of a trial. */
export type TrialOutcome = { readonly value: unknown } | { readonly error: unknown }

/** Runs the objective on a trial. @throws ArgumentError if it can run none. */
export type TrialRunner = (task: TrialTask) => Promise<TrialOutcome>

/** Runs trials in this process. */
export function runHere(objective: Objective): TrialRunner {
  return async ({ parameters, report, ...task }) => {
    // Not async: what a wrong step throws must not become a rejection that nobody hears.
    const trial = { ...task, report: (step: number, value: number) => Promise.resolve(report(step, value)) }
    try {
      return { value: await objective(parameters, trial) }
    } catch (error) {
      return { error }
    }
  }
}
