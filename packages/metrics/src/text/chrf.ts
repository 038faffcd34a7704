import { ArgumentError } from '@tfx/common'
import { countMatches, countNgrams, ngramTotal } from './ngrams'
import { createTextMetric, scoreTexts, type References, type TextMetric } from './text-metric'
import { splitWords } from './white-space'

/** The options of chrF; their defaults are sacreBLEU's. */
export interface ChrfOptions {
  /** The longest n-grams of characters; default 6. */
  characterOrder?: number
  /** The longest n-grams of words: 0 for chrF (the default), 2 for chrF++. */
  wordOrder?: number
  /** How many times as much recall counts as precision; default 2. */
  beta?: number
  /** Whether case is ignored; default false. */
  lowercase?: boolean
}

/** A chrF score. */
export interface ChrfScore {
  /** From 0 to 100, the best. */
  score: number
  /** `chrF2` or `chrF2++`: beta, and a plus for each order of words. */
  name: string
  /** sacreBLEU's signature without the version. */
  signature: string
}

/**
 * An empty chrF (Popović 2015) or, with `wordOrder: 2`, chrF++ (Popović 2017) to add to: equal to sacreBLEU 2.6. White
 * space does not count, and of several references the one with the best score does.
 *
 * @throws ArgumentError on an order or beta that is out of range.
 *
 * @example
 * ```ts
 * const chrf = createChrf({ wordOrder: 2 })
 * chrf.add(['The cat sat on the mat.'], ['The cat sat on a mat.'])
 * chrf.score().name // chrF2++
 * ```
 */
export function createChrf(options: ChrfOptions = {}): TextMetric<ChrfScore> {
  const { characterOrder = 6, wordOrder = 0, beta = 2, lowercase = false } = options
  checkWhole('characterOrder', characterOrder, 1)
  checkWhole('wordOrder', wordOrder, 0)
  checkWhole('beta', beta, 1)
  const unitsOf = (text: string): Units => {
    const words = splitWords(lowercase ? text.toLowerCase() : text)
    return {
      characters: words.flatMap((word) => Array.from(word)),
      words: wordOrder === 0 ? [] : words.flatMap(splitPunctuation),
    }
  }
  return createTextMetric({
    name: 'chrf',
    statistics: (references, hypothesis) => {
      const written = unitsOf(hypothesis)
      const candidates = references.map((reference) =>
        countOrders(unitsOf(reference), written, { characterOrder, wordOrder }),
      )
      // The first of those that score best.
      const scores = candidates.map((counts) => scoreCounts(counts, beta))
      return candidates[scores.indexOf(Math.max(...scores))] ?? []
    },
    score: (sums, { numReferences }) => ({
      score: scoreCounts(sums, beta),
      name: `chrF${beta}${'+'.repeat(wordOrder)}`,
      signature: [
        `nrefs:${numReferences}`,
        `case:${lowercase ? 'lc' : 'mixed'}`,
        'eff:yes',
        `nc:${characterOrder}`,
        `nw:${wordOrder}`,
        'space:no',
      ].join('|'),
    }),
  })
}

/**
 * The chrF of a corpus that is all there already: {@link createChrf} with one `add`. A sentence's is that of a corpus of
 * one.
 *
 * @param references One reference for each hypothesis, or a list of several.
 * @param hypotheses The texts that a model wrote, in the same order.
 * @throws ArgumentError on different lengths, missing texts or options out of range; DataError if there are none.
 */
export function chrf(
  references: readonly References[],
  hypotheses: readonly string[],
  options: ChrfOptions = {},
): ChrfScore {
  return scoreTexts(createChrf(options), references, hypotheses)
}

/** What n-grams are made of. */
interface Units {
  characters: string[]
  words: string[]
}

/** Python's `string.punctuation`. */
const punctuation = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')

/** Cuts one mark off a word's end or else its start, as chrF++ does: `(hi)` becomes `(hi` and `)`. */
function splitPunctuation(word: string): string[] {
  const characters = Array.from(word)
  const last = characters.at(-1) ?? ''
  const [first = ''] = characters
  if (characters.length === 1) return [word]
  if (punctuation.has(last)) return [word.slice(0, -last.length), last]
  if (punctuation.has(first)) return [first, word.slice(first.length)]
  return [word]
}

/** For each order, first of characters and then of words: [n-grams written, n-grams of the reference, matches]. */
function countOrders(
  reference: Units,
  written: Units,
  { characterOrder, wordOrder }: { characterOrder: number; wordOrder: number },
): number[] {
  const count = (name: keyof Units, order: number, separator: string) => {
    const expected = ngramTotal(reference[name].length, order)
    // What is written does not count where the reference is too short for the order.
    if (expected === 0) return [0, 0, 0]
    const matches = countMatches(
      countNgrams(written[name], order, separator),
      countNgrams(reference[name], order, separator),
    )
    return [ngramTotal(written[name].length, order), expected, matches]
  }
  const upTo = (order: number) => Array.from({ length: order }, (_, index) => index + 1)
  return [
    ...upTo(characterOrder).flatMap((order) => count('characters', order, '')),
    ...upTo(wordOrder).flatMap((order) => count('words', order, ' ')),
  ]
}

/** The F score of the mean precision and recall over the orders that both texts are long enough for. */
function scoreCounts(counts: readonly number[], beta: number): number {
  let precision = 0
  let recall = 0
  let usedOrders = 0
  for (let place = 0; place < counts.length; place += 3) {
    const [written = 0, expected = 0, matches = 0] = counts.slice(place, place + 3)
    if (written === 0 || expected === 0) continue
    precision += matches / written
    recall += matches / expected
    usedOrders++
  }
  if (precision + recall === 0) return 0
  precision /= usedOrders
  recall /= usedOrders
  return (100 * (1 + beta ** 2) * precision * recall) / (beta ** 2 * precision + recall)
}

function checkWhole(argument: string, value: number, minimum: number): void {
  if (Number.isInteger(value) && value >= minimum) return
  throw new ArgumentError({
    function: 'chrf',
    argument,
    expected: `an integer of at least ${minimum}`,
    received: String(value),
    remedy: 'Leave it out for what papers report.',
  })
}
