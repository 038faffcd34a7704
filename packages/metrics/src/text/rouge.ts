import { ArgumentError, checkSwitch } from '@tfx/common'
import type { Scores } from '../averages'
import { commonLength, commonPlaces } from './common-subsequence'
import { countMatches, countNgrams, ngramTotal } from './ngrams'
import { rougeTokenizers, stemTokens, type RougeTokenizer } from './rouge-tokenizers'
import { createTextMetric, scoreTexts, type References, type TextMetric } from './text-metric'

/** The options of ROUGE; their defaults are those of `rouge_score`. */
export interface RougeOptions {
  /** Default `latin`; see {@link RougeTokenizer}. A function from a text to its tokens will do, too. */
  tokenizer?: RougeTokenizer | ((text: string) => readonly string[])
  /** Whether words of more than three letters count by their English stem; default false, papers often use true. */
  stemming?: boolean
}

/** Precision, recall and F1 from 0 to 1, each the mean over hypotheses. */
export interface RougeScore {
  /** Words in common. */
  rouge1: Scores
  /** Pairs of words in common. */
  rouge2: Scores
  /** Words in common in the same order: the longest common subsequence. */
  rougeL: Scores
  /** The same line by line, where a line of the reference may find its words in several lines. */
  rougeLsum: Scores
}

const measures = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'] as const

/**
 * An empty ROUGE to add to (Lin 2004): equal to `rouge_score` 0.1.2. Of several references, each measure takes the one with
 * its best F1 (`score_multi`). The default tokenizer erases whatever is not a to z or a digit: for languages that are
 * written otherwise take `tokenizer: 'unicode'`. `rougeLsum` splits at line breaks only: put sentences on lines of their own.
 *
 * @throws ArgumentError on an unknown tokenizer.
 *
 * @example
 * ```ts
 * const rouge = createRouge({ stemming: true })
 * rouge.add(['The cats sat on the mat.'], ['A cat was sitting there.'])
 * rouge.score().rouge1.f1 // 0.3636…
 * ```
 */
export function createRouge(options: RougeOptions = {}): TextMetric<RougeScore> {
  const tokenize = readTokenizer(options)
  return createTextMetric({
    name: 'rouge',
    statistics: (references, hypothesis) => {
      const written = cutText(hypothesis, tokenize)
      const candidates = references.map((reference) => scorePair(cutText(reference, tokenize), written))
      return measures.flatMap((measure) => {
        const scores = candidates.map((candidate) => candidate[measure])
        // The first of those that score best.
        const best = Math.max(...scores.map(({ f1 }) => f1))
        const { precision, recall, f1 } = scores.find((each) => each.f1 === best) ?? nothing
        return [precision, recall, f1]
      })
    },
    score: (sums, { total }) => {
      const means = (place: number): Scores => {
        const [precision = 0, recall = 0, f1 = 0] = sums
          .slice(3 * place, 3 * place + 3)
          .map((sum) => sum / total)
        return { precision, recall, f1 }
      }
      return { rouge1: means(0), rouge2: means(1), rougeL: means(2), rougeLsum: means(3) }
    },
  })
}

/**
 * The mean ROUGE of texts that are all there already: {@link createRouge} with one `add`.
 *
 * @param references One reference for each hypothesis, or a list of several.
 * @param hypotheses The texts that a model wrote, in the same order.
 * @throws ArgumentError on different lengths, missing texts or an unknown tokenizer; DataError if there are none.
 */
export function rouge(
  references: readonly References[],
  hypotheses: readonly string[],
  options: RougeOptions = {},
): RougeScore {
  return scoreTexts(createRouge(options), references, hypotheses)
}

type Tokenize = (text: string) => readonly string[]

interface CutText {
  tokens: readonly string[]
  /** The tokens of each line. */
  lines: readonly (readonly string[])[]
}

const cutText = (text: string, tokenize: Tokenize): CutText => ({
  tokens: tokenize(text),
  lines: text.split('\n').map(tokenize),
})

function scorePair(reference: CutText, written: CutText): RougeScore {
  const ngrams = (order: number) =>
    scoresOf(countMatches(countNgrams(written.tokens, order), countNgrams(reference.tokens, order)), {
      written: ngramTotal(written.tokens.length, order),
      expected: ngramTotal(reference.tokens.length, order),
    })
  const lengths = { written: written.tokens.length, expected: reference.tokens.length }
  return {
    rouge1: ngrams(1),
    rouge2: ngrams(2),
    rougeL: scoresOf(commonLength(reference.tokens, written.tokens), lengths),
    rougeLsum: scoresOf(countUnion(reference.lines, written.lines), {
      written: sumOfLengths(written.lines),
      expected: sumOfLengths(reference.lines),
    }),
  }
}

/**
 * How many words the lines of the reference have in common with any line that was written: for each, the union of longest
 * common subsequences (section 3.2 of the paper). As in ROUGE 1.5.5, no word counts more often than it occurs.
 */
function countUnion(reference: CutText['lines'], written: CutText['lines']): number {
  const left = countNgrams(written.flat(), 1)
  let hits = 0
  for (const line of reference) {
    const places = new Set(written.flatMap((other) => commonPlaces(line, other)))
    for (const place of places) {
      const token = line[place] ?? ''
      const remaining = left.get(token) ?? 0
      if (remaining === 0) continue
      hits++
      left.set(token, remaining - 1)
    }
  }
  return hits
}

const nothing: Scores = { precision: 0, recall: 0, f1: 0 }

function scoresOf(matches: number, { written, expected }: { written: number; expected: number }): Scores {
  if (matches === 0) return nothing
  const precision = matches / written
  const recall = matches / expected
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) }
}

const sumOfLengths = (lines: CutText['lines']) => lines.reduce((sum, { length }) => sum + length, 0)

function readTokenizer({ tokenizer = 'latin', stemming = false }: RougeOptions): Tokenize {
  checkSwitch(stemming, { caller: 'rouge', argument: 'stemming' })
  if (typeof tokenizer !== 'function' && !Object.hasOwn(rougeTokenizers, tokenizer)) {
    throw new ArgumentError({
      function: 'rouge',
      argument: 'tokenizer',
      expected: `'${Object.keys(rougeTokenizers).join("', '")}' or a function`,
      received: `'${String(tokenizer)}'`,
      remedy: 'Leave it out for what papers report.',
    })
  }
  const tokenize = typeof tokenizer === 'function' ? tokenizer : rougeTokenizers[tokenizer]
  return stemming ? (text) => stemTokens(tokenize(text)) : tokenize
}
