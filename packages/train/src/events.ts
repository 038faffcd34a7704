import { AbortedError } from '@tfx/common'
import type { LearningRateFinding } from './find-learning-rate'

/** What one optimizer step did. */
export interface StepRecord {
  /** The number of this step, from 1. */
  readonly step: number
  /** The number of its epoch, from 1. */
  readonly epoch: number
  /** The mean loss over the targets of the step, before its update. */
  readonly loss: number
  readonly learningRate: number
  /** The global L2 norm of the gradient, before clipping. */
  readonly gradientNorm: number
  /** How many examples the step learned from. */
  readonly examples: number
  /** How many tokens they had. */
  readonly tokens: number
  /** Over how many targets the loss is a mean. */
  readonly targets: number
  /** Wall-clock time from asking for the data to the end of the update. */
  readonly seconds: number
}

/** What an evaluation found. */
export interface EvaluationRecord {
  /** Steps taken before it. */
  readonly step: number
  readonly epoch: number
  readonly metrics: Readonly<Record<string, number>>
  readonly seconds: number
}

/** The evaluation whose weights are kept. */
export interface BestRecord {
  readonly step: number
  readonly epoch: number
  /** The name of the metric that chose it. */
  readonly metric: string
  readonly value: number
}

/** Seconds spent on each part of training. */
export interface PhaseSeconds {
  /** Waiting for batches. */
  data: number
  /** Running the program: forward and backward. */
  run: number
  /** Accumulating, measuring the norm, and the optimizer. */
  update: number
  evaluate: number
}

/** What `fit` returns; also what an abort leaves. */
export interface FitResult {
  readonly history: readonly StepRecord[]
  readonly evaluations: readonly EvaluationRecord[]
  /** There if `keepBest` was asked for and an evaluation took place. */
  readonly best: BestRecord | undefined
  /** Optimizer steps taken. */
  readonly steps: number
  /** Whether `earlyStopping` ended it. */
  readonly stoppedEarly: boolean
  readonly seconds: number
  readonly phases: Readonly<PhaseSeconds>
}

/** What happens during training, in order. */
export type TrainingEvent =
  /** Before the start: a rate was looked for, and the suggestion is taken. */
  | ({ readonly type: 'learningRate' } & LearningRateFinding)
  | {
      readonly type: 'start'
      /** Undefined if the length of the data is not known. */
      readonly totalSteps: number | undefined
      readonly epochs: number | undefined
      /** How many numbers are trained. */
      readonly parameters: number
    }
  /** The run goes on from a checkpoint taken after this step; `result` is what it had done by then. */
  | { readonly type: 'resume'; readonly step: number; readonly epoch: number; readonly result: FitResult }
  | ({ readonly type: 'step' } & StepRecord)
  /** A step whose loss or gradient was not finite, and which changed nothing. */
  | { readonly type: 'skip'; readonly step: number; readonly epoch: number; readonly reason: string }
  | ({ readonly type: 'evaluate' } & EvaluationRecord)
  /** The evaluation just reported is the best so far. */
  | ({ readonly type: 'best' } & BestRecord)
  /** The metric has not improved for as many evaluations as `earlyStopping` allows. */
  | { readonly type: 'earlyStop'; readonly step: number; readonly epoch: number }
  | { readonly type: 'checkpoint'; readonly step: number; readonly directory: string }
  | {
      readonly type: 'epoch'
      readonly epoch: number
      /** Steps taken so far. */
      readonly step: number
      /** The mean loss over the targets of the epoch. */
      readonly loss: number
      readonly seconds: number
    }
  | { readonly type: 'end'; readonly result: FitResult }
  | { readonly type: 'aborted'; readonly result: FitResult }

/**
 * Training was stopped by its `AbortSignal`, between two steps. Nothing is lost: the store holds the
 * weights of the last whole step (those of the best evaluation stay in its slot `best`), and `result`
 * the history up to there.
 */
export class TrainingAbortedError extends AbortedError {
  readonly result: FitResult

  constructor(result: FitResult, cause: unknown) {
    super({
      function: 'fit',
      argument: 'signal',
      received: `aborted after step ${result.steps}`,
      remedy: 'The weights learned until then are in the store, and the history in error.result.',
      cause,
    })
    this.result = result
  }
}
