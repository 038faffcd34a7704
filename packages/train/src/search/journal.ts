import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ArgumentError, CheckpointError, describeWriteFailure } from '@tfx/common'
import type { SearchParameters } from './space'
import type { TrialRecord } from './trial'

/** One thing that happened in a search: a line of its journal. */
export type JournalEntry =
  | {
      readonly type: 'start'
      readonly trial: number
      readonly parameters: SearchParameters
    }
  | {
      readonly type: 'report'
      readonly trial: number
      readonly step: number
      readonly value: number
      readonly prune: boolean
    }
  | { readonly type: 'finish'; readonly trial: number; readonly state: 'complete'; readonly value: number }
  | { readonly type: 'finish'; readonly trial: number; readonly state: 'pruned' }
  | { readonly type: 'finish'; readonly trial: number; readonly state: 'failed'; readonly error: string }

/** What has happened in a search, on disk or in memory. */
export interface Journal {
  /** What was found in it. */
  readonly entries: readonly JournalEntry[]
  /** Writes and syncs a line. @throws FileSystemError */
  append(this: void, entry: JournalEntry): void
  close(this: void): void
}

/** The journal's name in a search's directory. */
const fileName = 'journal.jsonl'

/** For a search that nobody will resume. */
export const memoryJournal: Journal = { entries: [], append: () => undefined, close: () => undefined }

/**
 * Opens the journal of a search, or begins it. A last line that was cut short is dropped.
 *
 * @param identity What must be the same for the search to go on: plain JSON, the journal's first line.
 * @throws CheckpointError if it is damaged elsewhere, ArgumentError if it is another search's, FileSystemError.
 */
export function openJournal(directory: string, identity: object): Journal {
  const path = join(directory, fileName)
  const descriptor = orTyped(directory, () => {
    mkdirSync(directory, { recursive: true })
    return openSync(path, 'a+')
  })
  const write = (line: object) =>
    orTyped(directory, () => {
      writeSync(descriptor, `${JSON.stringify(line)}\n`)
      fdatasyncSync(descriptor)
    })
  try {
    const { lines, size } = wholeLines(readFileSync(descriptor))
    ftruncateSync(descriptor, size)
    const header = { type: 'search', format: 1, ...identity }
    if (lines.length === 0) write(header)
    else checkHeader(lines[0]!, { header, path })
    const entries = lines.slice(1).map((line, index) => parseEntry(line, `line ${index + 2} of '${path}'`))
    const append = (entry: JournalEntry) => {
      // JSON has no infinities, and no NaN.
      const isOdd = 'value' in entry && !Number.isFinite(entry.value)
      write(isOdd ? { ...entry, value: String(entry.value) } : entry)
    }
    return { entries, append, close: () => closeSync(descriptor) }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/**
 * What is known after an entry.
 *
 * @throws CheckpointError if it does not follow from the entries before.
 */
export function applyEntry(trials: readonly TrialRecord[], entry: JournalEntry): readonly TrialRecord[] {
  const { trial: number } = entry
  const old = trials[number]
  if (entry.type === 'start' && number === trials.length) {
    return [...trials, { number, parameters: entry.parameters, state: 'running', reports: [] }]
  }
  if (old?.state !== 'running' || entry.type === 'start') {
    throw damaged(
      `an event '${entry.type}' of trial ${number}, which ${old ? `is ${old.state}` : 'has not begun'}`,
    )
  }
  if (entry.type === 'finish') {
    const { type: _type, trial: _trial, ...outcome } = entry
    return trials.with(number, { ...old, ...outcome })
  }
  const { step, value, prune } = entry
  return trials.with(number, { ...old, reports: [...old.reports, { step, value, prune }] })
}

/** The lines that were written whole, and their length in bytes. */
function wholeLines(bytes: Buffer): { lines: string[]; size: number } {
  const end = bytes.lastIndexOf('\n') + 1
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1)
  // A power cut may leave a line of the right length with nothing in it.
  if (lines.length > 0 && !isJson(lines.at(-1)!)) {
    const last = bytes.subarray(0, end - 1).lastIndexOf('\n') + 1
    return { lines: lines.slice(0, -1), size: last }
  }
  return { lines, size: end }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

function parseEntry(line: string, where: string): JournalEntry {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as typeof entry
  } catch (cause) {
    throw damaged(`${where}, which is no JSON`, cause)
  }
  const { type, state } = entry
  // Infinities are written as strings.
  if ('value' in entry) entry.value = Number(entry.value)
  const isWhole =
    Number.isInteger(entry.trial) &&
    ((type === 'start' && typeof entry.parameters === 'object' && entry.parameters !== null) ||
      (type === 'report' && Number.isInteger(entry.step) && 'value' in entry && 'prune' in entry) ||
      (type === 'finish' && (state === 'pruned' || (state === 'complete' ? 'value' : 'error') in entry)))
  if (!isWhole) throw damaged(`${where}, which is no event of a search`)
  return entry as unknown as JournalEntry
}

function checkHeader(line: string, { header, path }: { header: object; path: string }): void {
  const found = isJson(line) ? (JSON.parse(line) as Record<string, unknown>) : {}
  if (found.type !== 'search') throw damaged(`'${path}', which does not begin as the journal of a search`)
  // As JSON has it: without what is undefined.
  const wanted = JSON.parse(JSON.stringify(header)) as Record<string, unknown>
  const names = Object.keys({ ...wanted, ...found })
  const other = names.filter((name) => JSON.stringify(found[name]) !== JSON.stringify(wanted[name]))
  if (other.length === 0) return
  throw new ArgumentError({
    function: 'search',
    argument: other[0]!,
    expected: `that of the search in '${path}', ${JSON.stringify(found[other[0]!])}`,
    received: JSON.stringify(wanted[other[0]!]),
    remedy: 'Go on with the same settings, or choose another directory for a new search.',
  })
}

function orTyped<T>(directory: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw describeWriteFailure(error, { caller: 'search', directory })
  }
}

function damaged(received: string, cause?: unknown): CheckpointError {
  return new CheckpointError({
    function: 'search',
    argument: 'directory',
    expected: 'the whole journal of a search',
    received,
    remedy: 'Restore the file, or cut it before that line: the trials from there on are made again.',
    cause,
  })
}
