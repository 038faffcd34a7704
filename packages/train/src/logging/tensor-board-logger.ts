import { appendFileSync, mkdirSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describeWriteFailure } from '@tfx/common'
import type { EvaluationRecord, FitResult, StepRecord } from '../events'
import type { TrainingEventHandler } from './combine-handlers'
import { restartEvent, scalarsEvent, tfRecord, versionEvent } from './event-file'
import { openLogFile, type WriteLog } from './log-file'

/** Options of {@link tensorBoardLogger}. */
export interface TensorBoardLoggerOptions {
  /** One run's own directory; its name is the run's in TensorBoard, `./runs/a` under `tensorboard --logdir ./runs`. */
  readonly directory: string
}

/**
 * Writes the scalars of training as an event file that TensorBoard reads, under the names of the TensorBoardCallback of Hugging
 * Face: `train/loss`, `train/learning_rate`, `train/grad_norm`, and each metric as `eval/…`, with `eval/runtime`.
 *
 * Every process writes a file of its own. A new run hides what an earlier one left in the directory, and a resumed one what
 * the run before did after the step that it goes on from; no file is ever changed or removed.
 *
 * @returns A function to pass to `fit` as `onEvent`. It throws a FileSystemError if no file can be made when training starts;
 *   if it cannot be written later, the log ends with a process warning and training goes on.
 *
 * @example
 * ```ts
 * await fit({ … onEvent: tensorBoardLogger({ directory: './runs/a' }) })
 * ```
 */
export function tensorBoardLogger({ directory }: TensorBoardLoggerOptions): TrainingEventHandler {
  let write: WriteLog = () => undefined
  let isNew = true
  const append = (event: Uint8Array) => write((file) => appendFileSync(file, tfRecord(event)))
  const writeScalars = (scalars: Readonly<Record<string, number>>, step: number) =>
    append(scalarsEvent(scalars, { wallTime: now(), step }))
  /** What a checkpoint holds of its step: the file before may lack its evaluation. */
  const writeAgain = ({ history, evaluations, steps }: FitResult) => {
    const [step, evaluation] = [history.at(-1), evaluations.at(-1)]
    if (step !== undefined) writeScalars(scalarsOfStep(step), steps)
    if (evaluation?.step === steps) writeScalars(scalarsOfEvaluation(evaluation), steps)
  }
  return (event) => {
    if (event.type === 'start') {
      write = openLogFile(newFile(directory), 'tensorBoardLogger')
      append(versionEvent(now()))
      isNew = true
      return
    }
    if (isNew) append(restartEvent({ wallTime: now(), step: event.type === 'resume' ? event.step : 0 }))
    isNew = false
    if (event.type === 'resume') writeAgain(event.result)
    else if (event.type === 'step') writeScalars(scalarsOfStep(event), event.step)
    else if (event.type === 'evaluate') writeScalars(scalarsOfEvaluation(event), event.step)
  }
}

const now = () => Date.now() / 1000

function scalarsOfStep({ loss, learningRate, gradientNorm }: StepRecord): Record<string, number> {
  return { 'train/loss': loss, 'train/grad_norm': gradientNorm, 'train/learning_rate': learningRate }
}

function scalarsOfEvaluation({ metrics, seconds }: EvaluationRecord): Record<string, number> {
  const scalars = Object.entries(metrics).map(([name, value]) => [`eval/${name}`, value] as const)
  return { ...Object.fromEntries(scalars), 'eval/runtime': seconds }
}

/** A path whose name sorts after those that are there: readers go through the files in that order. */
function newFile(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true })
    const times = readdirSync(directory).map((name) =>
      Number(/^events\.out\.tfevents\.(\d+)\./.exec(name)?.[1] ?? 0),
    )
    const seconds = Math.max(Math.floor(now()), ...times.map((time) => time + 1))
    return join(
      directory,
      `events.out.tfevents.${String(seconds).padStart(10, '0')}.${hostname()}.${process.pid}.0`,
    )
  } catch (error) {
    throw describeWriteFailure(error, { caller: 'tensorBoardLogger', directory })
  }
}
