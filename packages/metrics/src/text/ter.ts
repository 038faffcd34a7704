import { createTerTokenizer, type TerTokenizerOptions } from './ter-tokenizer'
import { countEdits } from './ter-shifts'
import { createTextMetric, scoreTexts, type References, type TextMetric } from './text-metric'

/** The options of TER; their defaults are sacreBLEU's. */
export type TerOptions = TerTokenizerOptions

/** A TER score, and what it is made of. */
export interface TerScore {
  /** Edits per word of the references, in percent: 0 is the best, and there is no worst. */
  score: number
  /** sacreBLEU's signature without the version. */
  signature: string
  /** Words inserted, deleted or replaced and runs of words moved, to the nearest reference of each hypothesis. */
  edits: number
  /** Words of the references; the mean of several for one hypothesis. */
  referenceLength: number
}

/**
 * An empty translation edit rate to add to (Snover et al. 2006): equal to sacreBLEU 2.6, which follows Tercom in how it
 * searches for runs of words to move.
 *
 * @example
 * ```ts
 * const ter = createTer()
 * ter.add(['on the mat sat the cat'], ['the cat sat on the mat'])
 * ter.score().edits // 2
 * ```
 */
export function createTer(options: TerOptions = {}): TextMetric<TerScore> {
  const tokenize = createTerTokenizer(options)
  const yesOrNo = (value: boolean) => (value ? 'yes' : 'no')
  return createTextMetric({
    name: 'ter',
    statistics: (references, hypothesis) => {
      const words = tokenize(hypothesis)
      // As in the reference, which cuts references twice: normalizing is not always idempotent.
      const candidates = references.map((reference) => tokenize(tokenize(reference).join(' ')))
      const lengths = candidates.reduce((sum, { length }) => sum + length, 0)
      return [
        Math.min(...candidates.map((reference) => countEdits(words, reference))),
        lengths / candidates.length,
      ]
    },
    score: ([edits = 0, referenceLength = 0], { numReferences }) => ({
      score: referenceLength > 0 ? (100 * edits) / referenceLength : edits > 0 ? 100 : 0,
      signature: [
        `nrefs:${numReferences}`,
        `case:${options.caseSensitive ? 'mixed' : 'lc'}`,
        'tok:tercom',
        `norm:${yesOrNo(options.normalized ?? false)}`,
        `punct:${yesOrNo(options.punctuation ?? true)}`,
        `asian:${yesOrNo(options.asianSupport ?? false)}`,
      ].join('|'),
      edits,
      referenceLength,
    }),
  })
}

/**
 * The TER of a corpus that is all there already: {@link createTer} with one `add`. A sentence's is that of a corpus of one.
 *
 * @param references One reference for each hypothesis, or a list of several.
 * @param hypotheses The texts that a model wrote, in the same order.
 * @throws ArgumentError on different lengths or missing texts; DataError if there are none.
 */
export function ter(
  references: readonly References[],
  hypotheses: readonly string[],
  options: TerOptions = {},
): TerScore {
  return scoreTexts(createTer(options), references, hypotheses)
}
