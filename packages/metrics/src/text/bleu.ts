import { ArgumentError } from '@tfx/common'
import { bleuTokenizers, type BleuTokenizer } from './bleu-tokenizers'
import { countMatches, countNgrams, ngramTotal } from './ngrams'
import { createTextMetric, scoreTexts, type References, type TextMetric } from './text-metric'
import { stripEnd } from './white-space'

/**
 * What BLEU makes of an order without a match, by sacreBLEU's names (Chen and Cherry 2014): `exp` halves a match for
 * each such order; `floor` takes `smoothingValue` matches; `add-k` adds `smoothingValue` to matches and totals of
 * the orders from two; `none` scores 0.
 */
export type BleuSmoothing = 'exp' | 'floor' | 'add-k' | 'none'

/** The options of BLEU; their defaults are sacreBLEU's. */
export interface BleuOptions {
  /** Default `13a`; see {@link BleuTokenizer}. */
  tokenizer?: BleuTokenizer
  /** Whether case is ignored; default false. */
  lowercase?: boolean
  /** Default `exp`; see {@link BleuSmoothing}. */
  smoothing?: BleuSmoothing
  /** The value of `floor` (default 0.1) or `add-k` (default 1). */
  smoothingValue?: number
  /**
   * Whether orders longer than every hypothesis are left out instead of scoring 0; default false, but true in
   * {@link sentenceBleu}.
   */
  effectiveOrder?: boolean
}

/** A BLEU score, and what it is made of. */
export interface BleuScore {
  /** From 0 to 100, the best. */
  score: number
  /** sacreBLEU's signature without the version. */
  signature: string
  /** The precision of n-grams of order 1 to 4, smoothed, in percent. */
  precisions: number[]
  /** The factor for hypotheses shorter than their references; 1 if there is nothing to punish. */
  brevityPenalty: number
  /** Tokens of all hypotheses. */
  hypothesisLength: number
  /** Tokens of the references: for each hypothesis, of the one nearest in length. */
  referenceLength: number
}

const maxOrder = 4
const orders = [1, 2, 3, 4]
const smoothingValues: Record<BleuSmoothing, number | undefined> = {
  exp: undefined,
  floor: 0.1,
  'add-k': 1,
  none: undefined,
}

/**
 * An empty BLEU to add to (Papineni et al. 2002): equal to sacreBLEU 2.6 with the same options. Sums over all
 * hypotheses go into one score: it is not the mean of sentences' scores.
 *
 * @throws ArgumentError on an unknown tokenizer or smoothing, or a value for it that is no number of at least 0.
 *
 * @example
 * ```ts
 * const bleu = createBleu()
 * bleu.add(['The cat sat on the mat.'], ['The cat sat on a mat.'])
 * bleu.score().signature // nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp
 * ```
 */
export function createBleu(options: BleuOptions = {}): TextMetric<BleuScore> {
  const { tokenizer = '13a', lowercase = false, smoothing = 'exp', effectiveOrder = false } = options
  checkName('tokenizer', tokenizer, bleuTokenizers)
  checkName('smoothing', smoothing, smoothingValues)
  const smoothingValue = options.smoothingValue ?? smoothingValues[smoothing]
  checkSmoothingValue(smoothingValue)
  const tokenize = (text: string) =>
    bleuTokenizers[tokenizer](stripEnd(lowercase ? text.toLowerCase() : text))
  return createTextMetric({
    name: 'bleu',
    statistics: (references, hypothesis) => countSegment(references.map(tokenize), tokenize(hypothesis)),
    score: (sums, { numReferences }) => {
      const bracket = smoothingValues[smoothing] === undefined ? '' : `[${smoothingValue?.toFixed(2)}]`
      return {
        ...scoreCounts(sums, { smoothing, smoothingValue: smoothingValue ?? 0, effectiveOrder }),
        signature: [
          `nrefs:${numReferences}`,
          `case:${lowercase ? 'lc' : 'mixed'}`,
          `eff:${effectiveOrder ? 'yes' : 'no'}`,
          `tok:${tokenizer}`,
          `smooth:${smoothing}${bracket}`,
        ].join('|'),
      }
    },
  })
}

/**
 * The BLEU of a corpus that is all there already: {@link createBleu} with one `add`.
 *
 * @param references One reference for each hypothesis, or a list of several.
 * @param hypotheses The texts that a model wrote, in the same order.
 * @throws ArgumentError on different lengths, missing texts or unknown options; DataError if there are none.
 */
export function bleu(
  references: readonly References[],
  hypotheses: readonly string[],
  options: BleuOptions = {},
): BleuScore {
  return scoreTexts(createBleu(options), references, hypotheses)
}

/**
 * The BLEU of one text: sacreBLEU's `sentence_bleu`, which by default leaves out the orders that the text is too short
 * for.
 *
 * @param references What the text should have been.
 * @param hypothesis The text that a model wrote.
 * @throws ArgumentError on a missing text or unknown options.
 */
export function sentenceBleu(
  references: References,
  hypothesis: string,
  options: BleuOptions = {},
): BleuScore {
  return bleu([references], [hypothesis], { effectiveOrder: true, ...options })
}

/** [hypothesis length, length of the nearest reference, matches by order, n-grams by order]. */
function countSegment(references: readonly string[][], hypothesis: readonly string[]): number[] {
  const matches = orders.map((order) => {
    // An n-gram may be matched as often as it occurs in the reference that has most of it.
    const allowed = new Map<string, number>()
    for (const reference of references) {
      for (const [ngram, count] of countNgrams(reference, order)) {
        allowed.set(ngram, Math.max(count, allowed.get(ngram) ?? 0))
      }
    }
    return countMatches(countNgrams(hypothesis, order), allowed)
  })
  const totals = orders.map((order) => ngramTotal(hypothesis.length, order))
  const lengths = references.map((reference) => reference.length)
  return [hypothesis.length, nearest(lengths, hypothesis.length), ...matches, ...totals]
}

/** The length nearest to `length`, the smaller of two as near. */
function nearest(lengths: readonly number[], length: number): number {
  const distance = (other: number) => Math.abs(other - length)
  return lengths.reduce((best, other) =>
    distance(other) < distance(best) || (distance(other) === distance(best) && other < best) ? other : best,
  )
}

interface Smoothing {
  smoothing: BleuSmoothing
  smoothingValue: number
  effectiveOrder: boolean
}

function scoreCounts(
  [hypothesisLength = 0, referenceLength = 0, ...counts]: readonly number[],
  { smoothing, smoothingValue, effectiveOrder }: Smoothing,
): Omit<BleuScore, 'signature'> {
  const shorter = hypothesisLength < referenceLength
  const brevityPenalty = !shorter
    ? 1
    : hypothesisLength === 0
      ? 0
      : Math.exp(1 - referenceLength / hypothesisLength)
  const precisions = new Array<number>(maxOrder).fill(0)
  const rest = { precisions, brevityPenalty, hypothesisLength, referenceLength }
  if (counts.slice(0, maxOrder).every((count) => count === 0)) return { score: 0, ...rest }
  let usedOrders = maxOrder
  let unmatchedOrders = 0
  for (const order of orders) {
    const added = smoothing === 'add-k' && order > 1 ? smoothingValue : 0
    const matches = (counts[order - 1] ?? 0) + added
    const total = (counts[maxOrder + order - 1] ?? 0) + added
    if (total === 0) break
    if (effectiveOrder) usedOrders = order
    if (matches > 0) precisions[order - 1] = (100 * matches) / total
    else if (smoothing === 'exp') precisions[order - 1] = 100 / (2 ** ++unmatchedOrders * total)
    else if (smoothing === 'floor') precisions[order - 1] = (100 * smoothingValue) / total
  }
  // One precision of 0 makes the geometric mean 0.
  const logarithms = precisions.slice(0, usedOrders).map(Math.log)
  const mean = Math.exp(logarithms.reduce((left, right) => left + right, 0) / usedOrders)
  return { score: brevityPenalty * mean, ...rest }
}

function checkName(argument: string, name: string, known: object): void {
  if (Object.hasOwn(known, name)) return
  throw new ArgumentError({
    function: 'bleu',
    argument,
    expected: Object.keys(known)
      .map((each) => `'${each}'`)
      .join(', '),
    received: `'${name}'`,
    remedy: 'Leave it out for what papers report.',
  })
}

function checkSmoothingValue(value: number | undefined): void {
  if (value === undefined || (Number.isFinite(value) && value >= 0)) return
  throw new ArgumentError({
    function: 'bleu',
    argument: 'smoothingValue',
    expected: 'a number of at least 0',
    received: String(value),
    remedy: 'Leave it out for the usual one.',
  })
}
