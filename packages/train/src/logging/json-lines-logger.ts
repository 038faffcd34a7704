import { appendFileSync, closeSync, openSync, readFileSync, readSync, truncateSync } from 'node:fs'
import { FileSystemError } from '@tfx/common'
import type { FitResult, TrainingEvent } from '../events'
import type { TrainingEventHandler } from './combine-handlers'
import { openLogFile, type WriteLog } from './log-file'

/** Options of {@link jsonLinesLogger}. */
export interface JsonLinesLoggerOptions {
  /** The path of the log, by custom a .jsonl. A new run replaces the log that is there, a resumed one goes on. */
  readonly file: string
}

/**
 * Writes every training event as a line of JSON with the time: `{"time":"2026-11-25T20:15:00.000Z","type":"step","step":1,…}`.
 *
 * The lines of `resume`, `end` and `aborted` leave out the history, which is in the lines above them. A metric that is not
 * a number is null. When a run is resumed, the lines after the step that it goes on from are removed, and what it does again
 * is not written twice.
 *
 * @returns A function to pass to `fit` as `onEvent`. It throws a FileSystemError if the file cannot be opened when training
 *   starts, or holds anything but a log; if it cannot be written later, the log ends with a process warning and training
 *   goes on.
 *
 * @example
 * ```ts
 * await fit({ … onEvent: jsonLinesLogger({ file: './runs/a.jsonl' }) })
 * ```
 */
export function jsonLinesLogger({ file }: JsonLinesLoggerOptions): TrainingEventHandler {
  let write: WriteLog = () => undefined
  const append = (line: string) => write(() => appendFileSync(file, line))
  /** The first line, until the second event tells whether the run is new. */
  let pending: string | undefined
  let done: ReadonlySet<string | undefined> = new Set()
  return (event) => {
    const line = lineOf(event)
    if (event.type === 'start') {
      write = openLogFile(file, 'jsonLinesLogger')
      checkLog(file)
      pending = line
      return
    }
    if (pending !== undefined) {
      write(() => {
        done = cutAfter(file, event.type === 'resume' ? event.step : -1)
      })
      append(pending)
      pending = undefined
    }
    if (!done.has(keyOf(event))) append(line)
  }
}

function lineOf(event: TrainingEvent): string {
  const { result, ...plain } = event as TrainingEvent & { result?: FitResult }
  const { steps, best, stoppedEarly, seconds, phases } = result ?? {}
  const outcome = event.type === 'resume' ? {} : { steps, best, stoppedEarly, seconds, phases }
  return `${JSON.stringify({ time: new Date().toISOString(), ...plain, ...(result && outcome) })}\n`
}

type LoggedEvent = { readonly type: string } & Readonly<Partial<Record<'step' | 'steps', number>>>

function parseLine(line: string): LoggedEvent | undefined {
  try {
    const value = JSON.parse(line) as Partial<LoggedEvent> | null
    return typeof value?.type === 'string' ? (value as LoggedEvent) : undefined
  } catch {
    return undefined
  }
}

/** @throws FileSystemError rather than replace what somebody may need. */
function checkLog(file: string): void {
  const first = firstLine(file)
  if (first === '' || parseLine(first)?.type === 'start') return
  throw new FileSystemError({
    function: 'jsonLinesLogger',
    argument: 'file',
    expected: 'a new file, or the log of a run, to replace it',
    received: `'${file}', which holds something else`,
    remedy: 'Choose another path.',
  })
}

/** As much of the first line as is enough to tell. */
function firstLine(file: string): string {
  const descriptor = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(1024)
    return bytes.toString('utf8', 0, readSync(descriptor, bytes)).split('\n', 1)[0]!
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Removes the lines of what happened after a step, and what is not whole.
 *
 * @returns The keys of what is logged of that very step: a checkpoint may have been taken before its evaluation.
 */
function cutAfter(file: string, step: number): Set<string | undefined> {
  const content = readFileSync(file)
  const done = new Set<string | undefined>()
  let end = 0
  for (let next = content.indexOf('\n'); next !== -1; next = content.indexOf('\n', end)) {
    const event = parseLine(content.toString('utf8', end, next))
    if (event === undefined || stepsBefore(event) > step) break
    if (stepsBefore(event) === step) done.add(keyOf(event))
    end = next + 1
  }
  truncateSync(file, end)
  done.delete(undefined)
  return done
}

/** How many steps had been taken when something happened; a skipped step was not. */
function stepsBefore({ type, step, steps }: LoggedEvent): number {
  return type === 'skip' ? step! - 1 : (step ?? steps ?? 0)
}

const happensOnce = new Set(['evaluate', 'best', 'earlyStop', 'epoch', 'skip'])

/** What tells an event of a run from its others; undefined for those that say what a process did. */
function keyOf(event: LoggedEvent | TrainingEvent): string | undefined {
  return happensOnce.has(event.type) ? `${event.type} ${(event as LoggedEvent).step}` : undefined
}
