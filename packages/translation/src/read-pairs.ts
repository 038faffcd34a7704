import { ArgumentError, checkSwitch, DataError, throwIfAborted } from '@tfx/common'
import { type LocatedRow, readRows, type Row, textFault } from '@tfx/data'
import { incompleteNotes } from '@tfx/transfer'
import type { PairOptions, PairSource, TranslationPair } from './pair'
import { languageOf } from './directions'
import { isParallel, parallelRows } from './parallel-files'

/** Pairs, and what reading them found out. */
export interface ReadPairs {
  readonly examples: TranslationPair[]
  readonly notes: readonly string[]
}

/** Where the sides of a row are, and which languages they are of. */
interface Columns {
  readonly source: string
  readonly target: string
  readonly sourceLanguage?: string | undefined
  readonly targetLanguage?: string | undefined
  /** Whether they are in an object under `translation`. */
  readonly isNested: boolean
  readonly isGuessed: boolean
}

/**
 * Reads pairs of texts. A row may name its languages itself: `sourceLanguage` and `targetLanguage`.
 *
 * @param caller The public function to name in errors.
 * @throws DataError if columns are missing, a side is blank, holds control characters or half a surrogate pair, or two files
 *   are of different lengths; ArgumentError on wrong options; AbortedError.
 */
export async function readPairs(
  source: PairSource,
  options: PairOptions & { signal?: AbortSignal | undefined },
  caller: string,
): Promise<ReadPairs> {
  checkSwitch(options.bothDirections, { caller, argument: 'bothDirections' })
  const rows = readRows(isParallel(source) ? await parallelRows(source, caller) : source)
  const examples: TranslationPair[] = []
  const incomplete: string[] = []
  let columns: Columns | undefined
  for await (const located of rows.located()) {
    throwIfAborted(options.signal, caller)
    columns ??= findColumns(located.row, options, { caller, name: rows.name })
    const pair = toPair(located, columns, { caller, name: rows.name })
    if (pair === undefined) incomplete.push(located.location)
    else examples.push(pair)
  }
  const notes = [
    ...(columns?.isGuessed
      ? [`Columns by their place: from '${columns.source}' to '${columns.target}'.`]
      : []),
    ...incompleteNotes({
      ...{ places: incomplete, incomplete: options.incomplete, caller, name: rows.name },
      parts: ['a text', 'its translation'],
    }),
  ]
  return { examples: options.bothDirections ? bothWays(examples, caller) : examples, notes }
}

interface Place {
  readonly caller: string
  /** Of the file. */
  readonly name: string
}

const languageCode = /^[a-z]{2,3}([_-]\w+)*$/

function findColumns(row: Row, { source, target }: PairOptions, { caller, name }: Place): Columns {
  const isNested = typeof row.translation === 'object' && row.translation !== null
  const names = Object.keys(isNested ? (row.translation as object) : row)
  const languages = { sourceLanguage: source, targetLanguage: target, isNested }
  const [from, to] = [columnOf(source, names), columnOf(target, names)]
  if (from !== undefined && to !== undefined)
    return { ...languages, source: from, target: to, isGuessed: false }
  if (names.includes('source') && names.includes('target')) {
    return { ...languages, source: 'source', target: 'target', isGuessed: false }
  }
  const codes = names.filter((column) => languageCode.test(column))
  // Of two languages, one that is named leaves the other.
  const isMissing = [from, to].some((column, side) => column === undefined && [source, target][side])
  const first = from ?? codes.find((code) => code !== to)
  const second = to ?? codes.find((code) => code !== first)
  if (!isMissing && codes.length === 2 && codes.includes(first!) && codes.includes(second!)) {
    const isGuessed = source === undefined && target === undefined
    const named = { sourceLanguage: source ?? first, targetLanguage: target ?? second, isNested }
    return { ...named, source: first!, target: second!, isGuessed }
  }
  throw new DataError({
    function: caller,
    argument: name,
    expected: "rows with 'source' and 'target', or a column for each language",
    received: `the columns ${names.map((column) => `'${column}'`).join(', ')}`,
    remedy: "Name the columns of two languages, for instance { source: 'en', target: 'de' }.",
  })
}

/** The column of a language: its name, or another code of it. */
function columnOf(language: string | undefined, names: readonly string[]): string | undefined {
  if (language === undefined || names.includes(language)) return language
  const wanted = languageOf(language)
  return names.find((name) => languageCode.test(name) && wanted !== undefined && languageOf(name) === wanted)
}

/** @returns undefined if a side is missing. */
function toPair({ row, location }: LocatedRow, columns: Columns, place: Place): TranslationPair | undefined {
  const cells = columns.isNested ? ((row.translation ?? {}) as Row) : row
  const side = (column: string): string | undefined => {
    const value = cells[column]
    if (value === null || value === undefined || (typeof value === 'string' && value.trim() === ''))
      return undefined
    const fault = textFault(value)
    if (fault === undefined) return value as string
    const argument = `${place.name}, ${location}, ${column}`
    throw new DataError({ function: place.caller, argument, ...fault })
  }
  const [text, target] = [side(columns.source), side(columns.target)]
  if (text === undefined || target === undefined) return undefined
  const language = (own: unknown, other: string | undefined) => (typeof own === 'string' ? own : other)
  const sourceLanguage = language(row.sourceLanguage, columns.sourceLanguage)
  const targetLanguage = language(row.targetLanguage, columns.targetLanguage)
  return {
    text,
    target,
    ...(sourceLanguage !== undefined && { sourceLanguage }),
    ...(targetLanguage !== undefined && { targetLanguage }),
  }
}

function bothWays(pairs: readonly TranslationPair[], caller: string): TranslationPair[] {
  return pairs.flatMap((pair) => {
    const { text, target, sourceLanguage, targetLanguage } = pair
    if (sourceLanguage === undefined || targetLanguage === undefined) {
      throw new ArgumentError({
        function: caller,
        argument: 'bothDirections',
        expected: 'left out where the languages are not known',
        received: 'true',
        remedy: "Name them, for instance { source: 'en', target: 'de' }.",
      })
    }
    const back = { sourceLanguage: targetLanguage, targetLanguage: sourceLanguage }
    return [pair, { text: target, target: text, ...back }]
  })
}
