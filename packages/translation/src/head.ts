import { ArgumentError } from '@tfx/common'
import {
  type GenerationConfig,
  modelFamily,
  type SequenceToSequenceConfig,
  translationTokens,
} from '@tfx/core'
import { split } from '@tfx/data'
import {
  encodePairs,
  type EncodeTaskOptions,
  type WritingEncoding,
  type WritingHead,
  type WritingOptions,
} from '@tfx/transfer'
import { directionsOf, isOf, type TranslationModel, trainedDirections, withDirections } from './directions'
import { scoreDirections } from './evaluate'
import type { PairOptions, PairSource, TranslationPair } from './pair'
import { readPairs } from './read-pairs'
import { createTranslator, type Translator } from './translator'

/** What translation takes beside the options of every `transfer`. */
export interface TranslationOptions extends PairOptions, WritingOptions {}

/** Longest translation in tokens, where the base does not say. */
const usualTargetLength = 200

/** Translation from pairs of texts, in one direction or several. */
export const translationHead: WritingHead<
  TranslationPair,
  TranslationOptions,
  SequenceToSequenceConfig,
  Translator
> = {
  name: 'translation',
  kind: 'encoder-decoder',
  thread: new URL('./thread.js', import.meta.url),
  hasTexts: true,
  options: ['source', 'target', 'bothDirections', 'incomplete'],
  read: (dataset, options) => readPairs(dataset as PairSource, options, 'transfer'),
  split: (pairs, options) => split(pairs, options),
  configure: (config, pairs) => withDirections(config, pairs),
  encode: encodeTranslations,
  generation: usualGeneration,
  model: createTranslator,
  scoreWriting: scoreDirections,
}

/** Each direction's pairs are encoded by its own tokens. */
async function encodeTranslations(
  pairs: readonly TranslationPair[],
  options: EncodeTaskOptions<TranslationOptions, SequenceToSequenceConfig>,
): Promise<WritingEncoding<TranslationPair>[]> {
  const directions = directionsOf(pairs)
  if (directions.length > 1) checkSeveral(options, directions.length)
  const encoded = new Map<TranslationPair, WritingEncoding<TranslationPair>>()
  for (const { source, target } of directions) {
    const own = pairs.filter((pair) => directions.length === 1 || isOf(pair, { source, target }))
    const [only] = trainedDirections(options)
    const direction = source === undefined && options.tokenizer.languages && only ? only : { source, target }
    const tokens = translationTokens(options, direction, options.caller)
    const found = await encodePairs(own, {
      ...options,
      tokenizer: tokens.source,
      targetTokenizer: tokens.target,
      prefix: tokens.prefix,
    })
    for (const encoding of found) encoded.set(encoding.example, encoding)
  }
  return pairs.map((pair) => encoded.get(pair)!)
}

/** @throws ArgumentError if nothing tells the model which language to write. */
function checkSeveral(
  { config, tokenizer, caller }: TranslationModel & { caller: string },
  count: number,
): void {
  if (tokenizer.languages || config.modelType === 't5' || config.modelType === 'mt5') return
  throw new ArgumentError({
    function: caller,
    argument: 'dataset',
    expected: 'of one direction: nothing tells this base which language to write',
    received: `${count} directions`,
    remedy: 'Take a base of several languages or a T5, or scratchBase with { languages }.',
  })
}

/** Beams as translators usually have them, and translations as long as they get. */
function usualGeneration(
  given: Partial<GenerationConfig>,
  config: SequenceToSequenceConfig,
): Partial<GenerationConfig> {
  const limit = modelFamily(config.modelType as string).maxLength(config) - 1
  const isLimited = given.maxLength !== undefined || given.maxNewTokens !== undefined
  return {
    numBeams: 4,
    ...given,
    ...(!isLimited && { maxNewTokens: Math.min(usualTargetLength, limit) }),
  }
}
