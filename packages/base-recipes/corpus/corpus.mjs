/**
 * The text that the bases are pretrained on (see the tables in their READMEs). Run it to see how much there is:
 * `node corpus/corpus.mjs`
 */
import { pathToFileURL } from 'node:url'
import { randomNumbers, shuffled } from '../../base-encoder/recipe/compose.mjs'
import { readEnglishText } from './english.mjs'
import { readGermanText } from './german.mjs'
import { readParallelText } from './parallel.mjs'
import { readReadmes, summaryPairs } from './readmes.mjs'

const SEED = 20
/** One in so many is held out. */
const HELD_OUT = 100

/** Without repetitions, letter case aside. */
function distinct(items, keyOf = (item) => item) {
  const seen = new Set()
  return items.filter((item) => {
    const key = keyOf(item).toLowerCase()
    return !seen.has(key) && seen.add(key)
  })
}

const countWords = (texts) => texts.reduce((sum, text) => sum + text.split(' ').length, 0)
const holdOut = (items) => {
  const order = shuffled(items, randomNumbers(SEED))
  const count = Math.ceil(items.length / HELD_OUT)
  return { train: order.slice(count), heldOut: order.slice(0, count) }
}

/**
 * Loads everything: each text and each pair once, one in a hundred held out.
 * @returns {Promise<{
 *   english: { train: string[], heldOut: string[] },
 *   german: { train: string[], heldOut: string[] },
 *   translations: { train: { english: string, german: string }[], heldOut: { english: string, german: string }[] },
 *   summaries: { train: { text: string, summary: string }[], heldOut: { text: string, summary: string }[] },
 *   table: { source: string, pieces: number, words: number }[],
 * }>}
 */
export async function loadCorpus() {
  const readmes = readReadmes()
  const englishSources = { ...readEnglishText(), READMEs: readmes.flatMap(({ paragraphs }) => paragraphs) }
  const parallelSources = await readParallelText()
  const german = distinct(readGermanText())
  const translations = distinct(Object.values(parallelSources).flat(), ({ english }) => english)
  const summaries = distinct(summaryPairs(readmes), ({ summary }) => summary)
  const row = (source, texts) => ({ source, pieces: texts.length, words: countWords(texts) })
  return {
    english: holdOut(distinct(Object.values(englishSources).flat())),
    german: holdOut(german),
    translations: holdOut(translations),
    summaries: holdOut(summaries),
    table: [
      ...Object.entries(englishSources).map(([source, texts]) => row(source, distinct(texts))),
      row('VS Code strings (German)', german),
      ...Object.entries(parallelSources).map(([source, pairs]) =>
        row(
          `${source} (English and German)`,
          distinct(pairs.map(({ english, german }) => `${english} ${german}`)),
        ),
      ),
      row(
        'README → description',
        summaries.map(({ text, summary }) => `${text} ${summary}`),
      ),
    ],
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const { source, pieces, words } of (await loadCorpus()).table)
    process.stdout.write(`${source}: ${pieces} pieces, ${words} words\n`)
}
