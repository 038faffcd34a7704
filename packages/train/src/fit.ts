import { DataError, sizeOf, throwIfAborted } from '@tfx/common'
import { startAverage, updateAverage } from './averaging'
import { restoreBuffers } from './buffers'
import { evaluate, evaluationWeights } from './evaluation'
import { type FitResult, TrainingAbortedError } from './events'
import { type FitOptions, resolveFitOptions, type TrainingBatch } from './fit-options'
import { interruption } from './interruption'
import { namesAt } from './parameter-groups'
import { type ReadAhead, readAhead } from './read-ahead'
import { createRun, resultOf, type Run, secondsSince, timed } from './run'
import { clearRunCheckpoints, readRunCheckpoint, writeRunCheckpoint } from './run-checkpoint'
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
 * evaluation, otherwise with the last, or their average. With `checkpoints` a run that was cut goes on where it was.
 *
 * @returns The history of every step, the evaluations, the best of them, and where the time went.
 * @throws ArgumentError on options that cannot be meant, a program without `loss`, a metric that is not there.
 * @throws DataError if an epoch has no batch with targets.
 * @throws TrainingError if the loss or a gradient is not finite, before that step changes any parameter.
 * @throws TrainingAbortedError once `signal` fires; the store keeps what was learned.
 * @throws CheckpointError, FileSystemError if `checkpoints` cannot be read or written.
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
  const resolved = resolveFitOptions(options)
  const { signal, close } = interruption(resolved.signal, resolved.checkpoints?.onSignals ?? false)
  const run = createRun({ ...resolved, signal })
  const { onEvent } = resolved
  try {
    await train(run)
  } catch (error) {
    if (signal?.aborted !== true) throw error
    // The state is that after the last whole step, and so are the weights.
    if (run.state.history.length > 0) await save(run)
    const result = resultOf(run)
    onEvent({ type: 'aborted', result })
    throw new TrainingAbortedError(result, error)
  } finally {
    close()
  }
  const result = resultOf(run)
  onEvent({ type: 'end', result })
  return result
}

async function train(run: Run): Promise<void> {
  const { store, parameters, buffers, epochs, maxSteps, groups } = run.options
  await start(run)
  while (run.state.epoch <= epochs && run.state.history.length < maxSteps && !run.state.stoppedEarly) {
    await trainEpoch(run)
  }
  const { evaluations, history, epoch, best } = run.state
  if (evaluations.at(-1)?.step !== history.length) await evaluate(run, epoch - 1)
  if (best !== undefined) copySlot(store, [...parameters, ...buffers], { from: 'best', to: 'value' })
  else evaluationWeights(run.options, history.length)?.enter(store, namesAt(groups, history.length))
}

/** From zero, or from the latest checkpoint. */
async function start(run: Run): Promise<void> {
  const { store, parameters, optimizer, averaging, checkpoints, epochs, totalSteps, onEvent } = run.options
  clearSlots(store, parameters, optimizer.slots)
  if (averaging !== undefined) startAverage({ averaging, store, parameters })
  onEvent({
    type: 'start',
    totalSteps,
    epochs: epochs === Infinity ? undefined : epochs,
    parameters: parameters.reduce((sum, name) => sum + sizeOf(store.shapes[name] ?? []), 0),
  })
  if (checkpoints === undefined) return
  if (!checkpoints.resume) {
    await clearRunCheckpoints(checkpoints.directory)
    return
  }
  const state = await readRunCheckpoint({ ...run.options, checkpoints })
  if (state === undefined) return
  run.state = state
  onEvent({ type: 'resume', step: state.history.length, epoch: state.epoch, result: resultOf(run) })
}

async function trainEpoch(run: Run): Promise<void> {
  const { options, state } = run
  const { history, epoch } = state
  const started = performance.now()
  await takeSteps(run)
  const steps = history.slice(state.epochStart)
  if (steps.length === 0) throw noBatches(epoch)
  const targets = steps.reduce((sum, step) => sum + step.targets, 0)
  const loss = steps.reduce((sum, step) => sum + step.loss * step.targets, 0) / targets
  options.onEvent({ type: 'epoch', epoch, step: history.length, loss, seconds: secondsSince(started) })
  if (options.evaluateEvery === 'epoch') await evaluate(run, epoch)
  state.epoch++
  state.epochStart = history.length
  state.microBatches = 0
  await save(run)
}

/** Goes through the batches of an epoch, or as far as `maxSteps` allows. */
async function takeSteps(run: Run): Promise<void> {
  const { options, state } = run
  const { batches, gradientAccumulationSteps, maxSteps, signal } = options
  const { history, epoch } = state
  const source = readAhead(batches(epoch))
  const whileRunning = () => source.request()
  const begin = () => beginStep({ step: history.length + 1, epoch }, state.plateau?.scale)
  let pending = begin()
  try {
    await skipDone(run, source)
    await evaluateIfDue(run)
    pending = begin()
    let taken = state.microBatches
    while (history.length < maxSteps && !state.stoppedEarly) {
      // An engine may never leave the microtask queue; timers and signals need a turn too.
      await new Promise((resolve) => setImmediate(resolve))
      throwIfAborted(signal, 'fit')
      const batch = await timed(run, 'data', () => source.take())
      if (batch !== undefined) taken++
      if (batch?.weight === 0) continue
      throwIfAborted(signal, 'fit')
      if (batch !== undefined) {
        await timed(run, 'run', () => learnFrom(batch, { pending, whileRunning }, options))
        if (pending.microBatches < gradientAccumulationSteps) continue
      }
      // The step is full, or the data is at its end.
      if (pending.microBatches === 0) break
      await timed(run, 'update', () => finishStep(run, { pending, taken }))
      await evaluateIfDue(run)
      await saveIfDue(run)
      pending = begin()
    }
  } finally {
    restoreBuffers(options.store, pending.keptBuffers)
    await source.close()
  }
}

/** Takes a step and books it, or skips it. */
async function finishStep(
  { options, state }: Run,
  { pending, taken }: { pending: ReturnType<typeof beginStep>; taken: number },
): Promise<void> {
  const { averaging, store, parameters, onEvent, skipNonFinite } = options
  const record = await applyStep(pending, options)
  state.microBatches = taken
  if (record !== undefined) {
    if (averaging !== undefined) updateAverage({ averaging, store, parameters }, record.step)
    state.history.push(record)
    state.skipped = 0
    onEvent({ type: 'step', ...record })
    return
  }
  restoreBuffers(store, pending.keptBuffers)
  state.skipped++
  if (state.skipped > skipNonFinite) throw pending.flaw!
  onEvent({ type: 'skip', step: pending.step, epoch: pending.epoch, reason: pending.flaw!.message })
}

/** Passes over what a resumed epoch has already learned from. */
async function skipDone({ state, options }: Run, source: ReadAhead<TrainingBatch>): Promise<void> {
  for (let index = 0; index < state.microBatches; index++) {
    throwIfAborted(options.signal, 'fit')
    if ((await source.take()) === undefined) throw otherData(state.epoch, state.microBatches)
  }
}

/** Also after a resume: a run may have been cut between a step and its evaluation. */
async function evaluateIfDue(run: Run): Promise<void> {
  const { history, evaluations, epoch } = run.state
  const { evaluateEvery } = run.options
  const isDue =
    typeof evaluateEvery === 'number' && history.length > 0 && history.length % evaluateEvery === 0
  if (isDue && evaluations.at(-1)?.step !== history.length) await evaluate(run, epoch)
}

async function saveIfDue(run: Run): Promise<void> {
  const { checkpoints } = run.options
  if (checkpoints === undefined) return
  const step = run.state.history.length
  const seconds = secondsSince(run.savedAt)
  if (step % checkpoints.everySteps === 0 || seconds >= checkpoints.everySeconds) await save(run)
}

async function save(run: Run): Promise<void> {
  const { options, state } = run
  const { checkpoints, onEvent } = options
  if (checkpoints === undefined) return
  const seconds = resultOf(run).seconds
  const directory = await writeRunCheckpoint({ ...state, seconds }, { ...options, checkpoints })
  run.savedAt = performance.now()
  onEvent({ type: 'checkpoint', step: state.history.length, directory })
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

function otherData(epoch: number, microBatches: number): DataError {
  return new DataError({
    function: 'fit',
    argument: 'batches',
    expected: `those of the run that is resumed, at least ${microBatches} in epoch ${epoch}`,
    received: 'fewer',
    remedy: 'Resume with the same data and batch size, or start anew with checkpoints: { resume: false }.',
  })
}
