import { join } from 'node:path'
import { ArgumentError, TrainingError } from '@tfx/common'
import { applyEntry, type Journal, type JournalEntry, memoryJournal, openJournal } from './journal'
import { runHere, type TrialOutcome, type TrialRunner } from './objective'
import { runInProcess } from './run-in-process'
import { SearchAbortedError, type SearchResult } from './search-events'
import { type ResolvedSearchOptions, resolveSearchOptions, type SearchOptions } from './search-options'
import type { SearchSpace } from './space'
import { bestTrial, type TrialRecord } from './trial'

/** A search under way. */
interface Run {
  readonly options: ResolvedSearchOptions
  readonly journal: Journal
  readonly runner: TrialRunner
  /** Fires on whatever ends the search before its time. */
  readonly signal: AbortSignal
  /** Ends the search with an error. */
  fail(this: void, error: unknown): void
  trials: readonly TrialRecord[]
  /** The trials that a kill cut, to be run first. */
  readonly cut: number[]
}

/**
 * Searches for the parameters with the best value of an objective: one trial after another, or in worker processes.
 *
 * With a `directory` all that happens is written to a journal there at once, and the same call made again goes on where a
 * kill, an abort or a crash has cut it: trials that were running begin again with the same parameters. What is suggested
 * depends on nothing but the seed and what the trials before came to: one after another, and with an objective that always
 * gives the same, a search that was cut makes the same trials as one that was not. With workers, `randomSampler` and
 * `gridSampler` still do; what TPE suggests and what is pruned depends on which trials have finished by then.
 *
 * @returns The best trial and all others.
 * @throws ArgumentError on options that cannot be meant, a module without objective, the journal of another search.
 * @throws CheckpointError if the journal is damaged elsewhere than at its end, FileSystemError if it cannot be written.
 * @throws TrainingError if every trial failed.
 * @throws SearchAbortedError once `signal` fires, with the result so far; processes are ended first.
 *
 * @example
 * ```ts
 * const { best } = await search({
 *   space: { learningRate: logUniform(1e-5, 1e-3), batchSize: choice([8, 16, 32]) },
 *   objective: async ({ learningRate, batchSize }) => lossOf(await train(learningRate, batchSize)),
 *   trials: 20,
 *   directory: './search',
 * })
 * best?.parameters // { learningRate: 2.1e-4, batchSize: 16 }
 * ```
 */
export async function search<Space extends SearchSpace>(
  options: SearchOptions<Space>,
): Promise<SearchResult<Space>> {
  const resolved = resolveSearchOptions(options as unknown as SearchOptions)
  const { directory, identity, concurrency, signal } = resolved
  const journal = directory === undefined ? memoryJournal : openJournal(directory, identity)
  try {
    const run = begin(resolved, journal)
    await Promise.all(Array.from({ length: concurrency }, () => work(run)))
    const result: SearchResult = { best: bestTrial(run.trials, resolved.direction), trials: run.trials }
    if (signal?.aborted) throw new SearchAbortedError(result, { directory, cause: signal.reason })
    run.signal.throwIfAborted()
    if (result.trials.every(({ state }) => state === 'failed')) throw nothingWorked(result.trials)
    return result as SearchResult<Space>
  } finally {
    journal.close()
  }
}

function begin(options: ResolvedSearchOptions, journal: Journal): Run {
  const { objective, onEvent } = options
  const trials = journal.entries.reduce(applyEntry, [] as readonly TrialRecord[])
  const failure = new AbortController()
  const signal = AbortSignal.any([failure.signal, ...(options.signal ? [options.signal] : [])])
  const runner = objective instanceof URL ? runInProcess(objective, signal) : runHere(objective)
  const cut = trials.filter(({ state }) => state === 'running').map(({ number }) => number)
  if (trials.length > 0) onEvent({ type: 'resume', trials })
  return { options, journal, runner, signal, fail: (error) => failure.abort(error), trials, cut }
}

/** One trial after another until there are no more. */
async function work(run: Run): Promise<void> {
  try {
    while (!run.signal.aborted) {
      const number = run.cut.shift() ?? suggest(run)
      if (number === undefined) return
      await runTrial(run, number)
    }
  } catch (error) {
    run.fail(error)
  }
}

/** Chooses what to try next, and books it. */
function suggest(run: Run): number | undefined {
  const { options, trials } = run
  if (trials.length >= options.trials) return undefined
  const parameters = options.sampler.suggest({ ...options, trials })
  if (parameters === undefined) return undefined
  book(run, { type: 'start', trial: trials.length, parameters })
  return trials.length
}

async function runTrial(run: Run, number: number): Promise<void> {
  const { directory, onEvent, direction } = run.options
  const { parameters, reports } = run.trials[number]!
  const pruned = new AbortController()
  const prune = () => pruned.abort(new Error(`Trial ${number} was pruned.`))
  // It was cut between the pruner's word and its end.
  if (reports.at(-1)?.prune) prune()
  onEvent({ type: 'start', trial: run.trials[number]! })
  const outcome = await run.runner({
    number,
    parameters,
    directory: directory && join(directory, `trial-${String(number).padStart(4, '0')}`),
    signal: AbortSignal.any([run.signal, pruned.signal]),
    report(step, value) {
      const stop = takeReport(run, { number, step, value })
      if (stop) prune()
      return stop
    },
  })
  // Cut short: it begins again when the search goes on.
  if (run.signal.aborted && 'error' in outcome) return
  book(run, { type: 'finish', trial: number, ...finalState(outcome, pruned.signal.aborted) })
  const trial = run.trials[number]!
  onEvent({ type: 'finish', trial })
  if (bestTrial(run.trials, direction) === trial) onEvent({ type: 'best', trial })
}

/** Books a report and what the pruner says to it; returns whether the trial is to stop. */
function takeReport(
  run: Run,
  { number, step, value }: { number: number; step: number; value: number },
): boolean {
  if (!Number.isInteger(step) || step < 0) throw wrongStep(step)
  if (run.signal.aborted) return true
  const { pruner, direction, onEvent } = run.options
  const trial = run.trials[number]!
  // A trial that began again repeats what is known.
  const last = trial.reports.at(-1)
  if (last && step <= last.step) return trial.reports.find((report) => report.step === step)?.prune ?? false
  const reported = { ...trial, reports: [...trial.reports, { step, value, prune: false }] }
  try {
    const prune = pruner?.shouldPrune({ trial: reported, trials: run.trials, direction }) ?? false
    book(run, { type: 'report', trial: number, step, value, prune })
    onEvent({ type: 'report', trial: run.trials[number]!, step, value, prune })
    return prune
  } catch (error) {
    // It is the search that fails, not the trial.
    run.fail(error)
    return true
  }
}

function finalState(outcome: TrialOutcome, isPruned: boolean) {
  if ('value' in outcome) {
    const { value } = outcome
    if (typeof value === 'number' && !Number.isNaN(value)) return { state: 'complete', value } as const
    return { state: 'failed', error: `The objective returned ${String(value)} instead of a number.` } as const
  }
  if (isPruned) return { state: 'pruned' } as const
  const { error } = outcome
  return { state: 'failed', error: error instanceof Error ? error.message : String(error) } as const
}

function book(run: Run, entry: JournalEntry): void {
  run.journal.append(entry)
  run.trials = applyEntry(run.trials, entry)
}

function wrongStep(step: number): ArgumentError {
  return new ArgumentError({
    function: 'trial.report',
    argument: 'step',
    expected: 'an integer of at least 0',
    received: String(step),
    remedy: 'Count steps or epochs, alike in all trials.',
  })
}

function nothingWorked(trials: readonly TrialRecord[]): TrainingError {
  return new TrainingError({
    function: 'search',
    argument: 'objective',
    expected: 'a function that returns a number for some parameters',
    received: `a failure in each of ${trials.length} trials, the first: ${trials[0]?.error}`,
    remedy: 'Call the objective yourself with one set of parameters to see why.',
  })
}
