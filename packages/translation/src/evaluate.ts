import { ArgumentError, checkIsOptions, DataError } from '@tfx/common'
import { createBleu, createChrf, createTer } from '@tfx/metrics'
import { directionsOf, isOf } from './directions'
import type { PairOptions, PairSource, TranslationPair } from './pair'
import { readPairs } from './read-pairs'
import { type TranslateOptions, type TranslationLanguageModel, translateTexts } from './translate'

/** Options of `evaluate`: how pairs are read, and how their texts are translated. */
export interface EvaluateOptions extends PairOptions, Omit<TranslateOptions, 'source' | 'target' | 'split'> {}

/** How good translations are: the numbers of sacreBLEU with its defaults. */
export interface TranslationScores {
  /** BLEU, 0 to 100. */
  readonly bleu: number
  /** chrF2, 0 to 100. */
  readonly chrf: number
  /** Edits per word of the references in percent: 0 is the best. */
  readonly ter: number
  /** What each number was computed with, as sacreBLEU states it. */
  readonly signatures: Readonly<Record<'bleu' | 'chrf' | 'ter', string>>
  /** In the order of the pairs. */
  readonly translations: readonly string[]
}

/**
 * Translates the texts of pairs, each as it is, and compares with their translations.
 *
 * @throws DataError, ArgumentError
 */
export async function evaluateTranslations(
  model: TranslationLanguageModel,
  dataset: PairSource,
  given: EvaluateOptions = {},
): Promise<TranslationScores> {
  checkIsOptions(given, { caller: 'evaluate' })
  const { source, target, bothDirections, incomplete, ...options } = given
  const reading = {
    ...(source !== undefined && { source }),
    ...(target !== undefined && { target }),
    ...(bothDirections !== undefined && { bothDirections }),
    ...(incomplete !== undefined && { incomplete }),
    signal: options.signal,
  }
  const { examples } = await readPairs(dataset, reading, 'evaluate')
  if (examples.length === 0) {
    throw new DataError({
      function: 'evaluate',
      argument: 'dataset',
      expected: 'at least one text with its translation',
      received: 'none',
      remedy: 'Check that the file is not empty and that its rows have both.',
    })
  }
  const directions = directionsOf(examples)
  const [direction] = directions
  if (directions.length > 1) {
    throw new ArgumentError({
      function: 'evaluate',
      argument: 'dataset',
      expected: 'pairs of one direction: a score of several mixed says little',
      received: `${directions.length} directions`,
      remedy: 'Evaluate each direction by itself.',
    })
  }
  return scoreTranslations(model, examples, { ...options, ...direction })
}

/** As {@link evaluateTranslations}, of pairs of one direction. */
async function scoreTranslations(
  model: TranslationLanguageModel,
  pairs: readonly TranslationPair[],
  options: TranslateOptions,
): Promise<TranslationScores> {
  const texts = pairs.map(({ text }) => text)
  const references = pairs.map(({ target }) => target)
  const translations = await translateTexts(model, texts, { ...options, split: 'none' })
  const metrics = { bleu: createBleu(), chrf: createChrf(), ter: createTer() }
  for (const metric of Object.values(metrics)) metric.add(references, translations)
  const [bleu, chrf, ter] = [metrics.bleu.score(), metrics.chrf.score(), metrics.ter.score()]
  return {
    bleu: bleu.score,
    chrf: chrf.score,
    ter: ter.score,
    signatures: { bleu: bleu.signature, chrf: chrf.signature, ter: ter.signature },
    translations,
  }
}

/** BLEU, chrF and TER; of several directions each by itself, `bleu en-de`. */
export async function scoreDirections(
  model: TranslationLanguageModel,
  pairs: readonly TranslationPair[],
  options: Pick<TranslateOptions, 'signal'>,
): Promise<Record<string, number>> {
  const directions = directionsOf(pairs)
  const scores: Record<string, number> = {}
  for (const direction of directions) {
    const own = directions.length === 1 ? pairs : pairs.filter((pair) => isOf(pair, direction))
    const { bleu, chrf, ter } = await scoreTranslations(model, own, { ...options, ...direction })
    const suffix = directions.length === 1 ? '' : ` ${direction.source}-${direction.target}`
    for (const [name, value] of Object.entries({ bleu, chrf, ter })) scores[name + suffix] = value
  }
  return scores
}
