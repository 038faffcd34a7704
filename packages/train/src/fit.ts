import { ArgumentError, DataError, sizeOf, throwIfAborted } from '@tfx/common'
import {
  type BestRecord,
  type EvaluationRecord,
  type FitResult,
  type PhaseSeconds,
  type StepRecord,
  TrainingAbortedError,
} from './events'
import { type BestMetric, type FitOptions, type ResolvedFitOptions, resolveFitOptions } from './fit-options'
import { readAhead } from './read-ahead'
import { clearSlots, copySlot } from './slots'
import { applyStep, beginStep, learnFrom } from './training-step'

/**
 * Trains the parameters of a compiled step: the loop of every task and engine.
 *
 * Each step runs the program on one or more micro-batches, averages their gradients by the number of
 * targets (so that 8 × 1 learns the same as 2 × 4), clips them and updates the store in place. The same
 * seed and batches give the same weights. The next batch is fetched while the program runs.
 *
 * The optimizer's state is cleared first. With `keepBest` the store ends with the weights of the best
 * evaluation, otherwise with the last.
 *
 * @returns The history of every step, the evaluations, the best of them, and where the time went.
 * @throws ArgumentError on options that cannot be meant, a program without `loss`, a metric that is not there.
 * @throws DataError if an epoch has no batch with targets.
 * @throws TrainingError if the loss or a gradient is not finite, before that step changes any parameter.
 * @throws TrainingAbortedError once `signal` fires; the store keeps what was learned.
 *
 * @example
 * ```ts
 * const optimizer = adamW({ weightDecay: 0.01 })
 * const store = engine.createStore(shapes, fitSlots({ optimizer }))
 * const gradients = { of: 'loss', withRespectTo: parameters }
 * const program = await engine.compile(step, { inputs, parameters: store, gradients })
 * await fit({ store, program, parameters, optimizer, batches: () => batches, epochs: 3 })
 * ```
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const run = createRun(resolveFitOptions(options))
  const { signal, onEvent } = run.options
  try {
    await train(run)
  } catch (error) {
    if (signal?.aborted !== true) throw error
    const result = resultOf(run)
    onEvent({ type: 'aborted', result })
    throw new TrainingAbortedError(result, error)
  }
  const result = resultOf(run)
  onEvent({ type: 'end', result })
  return result
}

/** What changes while `fit` runs. */
interface Run {
  readonly options: ResolvedFitOptions
  /** One record for each step taken: its length is their number. */
  readonly history: StepRecord[]
  readonly evaluations: EvaluationRecord[]
  best: BestRecord | undefined
  readonly phases: PhaseSeconds
  readonly started: number
}

function createRun(options: ResolvedFitOptions): Run {
  const phases = { data: 0, run: 0, update: 0, evaluate: 0 }
  return { options, history: [], evaluations: [], best: undefined, phases, started: performance.now() }
}

function resultOf({ history, evaluations, best, phases, started }: Run): FitResult {
  return { history, evaluations, best, steps: history.length, seconds: secondsSince(started), phases }
}

async function train(run: Run): Promise<void> {
  const { store, parameters, optimizer, epochs, maxSteps, totalSteps, onEvent } = run.options
  clearSlots(store, parameters, optimizer.slots)
  onEvent({
    type: 'start',
    totalSteps,
    epochs: epochs === Infinity ? undefined : epochs,
    parameters: parameters.reduce((sum, name) => sum + sizeOf(store.shapes[name] ?? []), 0),
  })
  let epoch = 0
  while (epoch < epochs && run.history.length < maxSteps) await trainEpoch(run, ++epoch)
  if (run.evaluations.at(-1)?.step !== run.history.length) await evaluate(run, epoch)
  if (run.best !== undefined && run.best.step !== run.history.length) {
    copySlot(store, parameters, { from: 'best', to: 'value' })
  }
}

async function trainEpoch(run: Run, epoch: number): Promise<void> {
  const { options, history } = run
  const { onEvent } = options
  const started = performance.now()
  const before = history.length
  await takeSteps(run, epoch)
  const steps = history.slice(before)
  if (steps.length === 0) throw noBatches(epoch)
  const targets = steps.reduce((sum, step) => sum + step.targets, 0)
  const loss = steps.reduce((sum, step) => sum + step.loss * step.targets, 0) / targets
  onEvent({ type: 'epoch', epoch, step: history.length, loss, seconds: secondsSince(started) })
  if (options.evaluateEvery === 'epoch') await evaluate(run, epoch)
}

/** Goes through the batches of one epoch, or as far as `maxSteps` allows. */
async function takeSteps(run: Run, epoch: number): Promise<void> {
  const { options, history } = run
  const { batches, gradientAccumulationSteps, evaluateEvery, maxSteps, signal, onEvent } = options
  const source = readAhead(batches(epoch))
  const whileRunning = () => source.request()
  try {
    let pending = beginStep({ step: history.length + 1, epoch })
    while (history.length < maxSteps) {
      // An engine may never leave the microtask queue; timers and signals need a turn too.
      await new Promise((resolve) => setImmediate(resolve))
      throwIfAborted(signal, 'fit')
      const batch = await timed(run, 'data', () => source.take())
      if (batch?.weight === 0) continue
      throwIfAborted(signal, 'fit')
      if (batch !== undefined) {
        await timed(run, 'run', () => learnFrom(batch, { pending, whileRunning }, options))
        if (pending.microBatches < gradientAccumulationSteps) continue
      }
      // The step is full, or the data is at its end.
      if (pending.microBatches === 0) break
      const record = await timed(run, 'update', () => applyStep(pending, options))
      history.push(record)
      onEvent({ type: 'step', ...record })
      if (typeof evaluateEvery === 'number' && record.step % evaluateEvery === 0) await evaluate(run, epoch)
      pending = beginStep({ step: history.length + 1, epoch })
    }
  } finally {
    await source.close()
  }
}

async function evaluate(run: Run, epoch: number): Promise<void> {
  const { options, evaluations, history } = run
  const { evaluate: measure, keepBest, store, parameters, onEvent, signal } = options
  if (measure === undefined) return
  throwIfAborted(signal, 'fit')
  const started = performance.now()
  const metrics = await timed(run, 'evaluate', measure)
  const record = { step: history.length, epoch, metrics, seconds: secondsSince(started) }
  evaluations.push(record)
  onEvent({ type: 'evaluate', ...record })
  if (keepBest === undefined) return
  const value = metrics[keepBest.metric]
  if (value === undefined) throw missingMetric(keepBest, Object.keys(metrics))
  if (!isBetter(value, run.best?.value, keepBest)) return
  copySlot(store, parameters, { from: 'value', to: 'best' })
  run.best = { step: history.length, epoch, metric: keepBest.metric, value }
  onEvent({ type: 'best', ...run.best })
}

/** NaN is never better; a tie goes to the earlier one. */
function isBetter(value: number, best: number | undefined, { mode }: BestMetric): boolean {
  if (Number.isNaN(value)) return false
  return best === undefined || (mode === 'max' ? value > best : value < best)
}

async function timed<T>({ phases }: Run, phase: keyof PhaseSeconds, work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  try {
    return await work()
  } finally {
    phases[phase] += secondsSince(started)
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000
}

function noBatches(epoch: number): DataError {
  return new DataError({
    function: 'fit',
    argument: 'batches',
    expected: 'at least one batch with targets in every epoch',
    received: `none in epoch ${epoch}`,
    remedy: 'Return a new iterable at each call, and check that the data is not empty or all ignored.',
  })
}

function missingMetric({ metric }: BestMetric, names: readonly string[]): ArgumentError {
  return new ArgumentError({
    function: 'fit',
    argument: 'keepBest.metric',
    expected: `a metric that evaluate returns: ${names.map((name) => `'${name}'`).join(', ')}`,
    received: `'${metric}'`,
    remedy: 'Choose one of them.',
  })
}
