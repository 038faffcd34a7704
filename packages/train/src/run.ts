import type { BestRecord, EvaluationRecord, FitResult, PhaseSeconds, StepRecord } from './events'
import type { ResolvedFitOptions } from './fit-options'
import type { PlateauState } from './schedules/index'

/** Where a run stands, between two steps: with the store, all that is needed to go on. Plain data. */
export interface RunState {
  /** One record for each step taken: its length is their number. */
  readonly history: StepRecord[]
  readonly evaluations: EvaluationRecord[]
  best: BestRecord | undefined
  /** The epoch being trained, from 1. */
  epoch: number
  /** Steps taken before it. */
  epochStart: number
  /** Micro-batches of it that are done with. */
  microBatches: number
  plateau: PlateauState | undefined
  /** Evaluations since the best one, for early stopping. */
  evaluationsSinceBest: number
  stoppedEarly: boolean
  /** Steps in a row that were skipped. */
  skipped: number
  readonly phases: PhaseSeconds
  /** Spent by runs that this one resumes. */
  seconds: number
}

/** A run of `fit`. */
export interface Run {
  readonly options: ResolvedFitOptions
  state: RunState
  readonly started: number
  /** When a checkpoint was written, or the run started. */
  savedAt: number
}

/** A run before its first step. */
export function createRun(options: ResolvedFitOptions): Run {
  const state = {
    history: [],
    evaluations: [],
    best: undefined,
    epoch: 1,
    epochStart: 0,
    microBatches: 0,
    plateau: options.plateau?.rule.initial,
    evaluationsSinceBest: 0,
    stoppedEarly: false,
    skipped: 0,
    phases: { data: 0, run: 0, update: 0, evaluate: 0 },
    seconds: 0,
  }
  const started = performance.now()
  return { options, state, started, savedAt: started }
}

/** What is known of it by now. */
export function resultOf({ state, started }: Run): FitResult {
  const { history, evaluations, best, stoppedEarly, phases } = state
  const seconds = state.seconds + secondsSince(started)
  return { history, evaluations, best, steps: history.length, stoppedEarly, seconds, phases }
}

/** Does some work and books its time. */
export async function timed<T>(
  { state }: Run,
  phase: keyof PhaseSeconds,
  work: () => Promise<T>,
): Promise<T> {
  const started = performance.now()
  try {
    return await work()
  } finally {
    state.phases[phase] += secondsSince(started)
  }
}

export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000
}
