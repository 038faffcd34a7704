import { ArgumentError, checkIsOptions } from '@tfx/common'
import type { SequenceToSequenceConfig, TranslationTokens } from '@tfx/core'
import { joinSentences, packSentences, type Sentence, textFault } from '@tfx/data'
import { type LanguageModel, type PartOfStream, textPlace, type WriteOptions } from '@tfx/transfer'
import { tokensFor } from './directions'
import { type Glossary, glossaryTerms } from './glossary'
import { segmentText, type SplitInto } from './layout'
import type { TranslationOptions } from './head'
import type { TranslationPair } from './pair'
import { writeSentences } from './write-sentences'

/** How texts are translated: where from and to, and the settings of `generate` over the model's own. */
export interface TranslateOptions extends WriteOptions {
  /** The language of the texts. Default: the one that the model was trained for. */
  readonly source?: string | undefined
  /** The language to translate to. Default: the one that the model was trained for. */
  readonly target?: string | undefined
  /** Terms forced or forbidden. Forced ones need beams; there are four where nothing else is said. */
  readonly glossary?: Glossary
  /** Into what texts are cut to be translated one by one; their layout is kept. Default `sentences`. */
  readonly split?: SplitInto
  /** Texts with more words than this are refused: they would take hours. Default 100000. */
  readonly maxWords?: number
}

/** A language model of translations. */
export type TranslationLanguageModel = LanguageModel<
  TranslationPair,
  TranslationOptions,
  SequenceToSequenceConfig
>

/**
 * Translates texts, in batches of like length across all of them.
 *
 * @throws ArgumentError on texts that are blank, too long, or hold control characters or half a surrogate pair, on
 *   languages that the model does not know, and on settings that contradict each other; AbortError on `signal`.
 */
export async function translateTexts(
  model: TranslationLanguageModel,
  texts: readonly string[],
  given: TranslateOptions & PartOfStream = {},
): Promise<string[]> {
  checkIsOptions(given, { caller: 'translate' })
  const {
    source,
    target,
    glossary = {},
    split = 'sentences',
    maxWords = 100_000,
    firstIndex,
    ...options
  } = given
  texts.forEach((text, index) => {
    checkText(text, { argument: textPlace(texts.length, index, { firstIndex }), maxWords })
  })
  checkSplit(split)
  const tokens = tokensFor(model, { source, target }, 'translate')
  const terms = glossaryTerms(glossary, tokens.target)
  const limit = tokenLimit(model, tokens)
  const documents = texts.map((text) =>
    segmentText(text, split).flatMap((segment) =>
      segment.text === '' ? [segment] : [...packSentences([segment], limit)],
    ),
  )
  const sentences = documents.flat().flatMap(({ text }) => (text === '' ? [] : [text]))
  const translations = await writeSentences(model, sentences, { tokens, terms, options })
  const translated = ({ text, separator }: Sentence) => ({ text: translations.get(text) ?? '', separator })
  return documents.map((segments) => joinSentences(segments.map(translated)))
}

/** How much the model reads at once, beside its special tokens and T5's task. */
function tokenLimit({ maxLength }: TranslationLanguageModel, { source, prefix }: TranslationTokens) {
  const count = (text: string) =>
    source.encode(prefix + text, undefined, { maxLength: Infinity }).inputIds.length
  const around = count('')
  return { maxTokens: Math.max(1, maxLength - around), countTokens: (text: string) => count(text) - around }
}

function checkText(text: unknown, { argument, maxWords }: { argument: string; maxWords: unknown }): void {
  const fault = textFault(text)
  if (fault) throw new ArgumentError({ function: 'translate', argument, ...fault })
  if (typeof maxWords !== 'number' || !(maxWords >= 1)) throw wrongMaxWords(maxWords)
  // Words are at least two characters, their space included.
  if ((text as string).length < 2 * maxWords) return
  const words = (text as string).match(/\S+/g)?.length ?? 0
  if (words <= maxWords) return
  throw new ArgumentError({
    function: 'translate',
    argument,
    expected: `a text of at most ${maxWords} words`,
    received: `${words} words`,
    remedy: 'Translate it in parts, or raise { maxWords }.',
  })
}

const wrongMaxWords = (maxWords: unknown) =>
  new ArgumentError({
    function: 'translate',
    argument: 'maxWords',
    expected: 'a number of at least 1',
    received: String(maxWords),
    remedy: 'Leave it out for 100,000.',
  })

function checkSplit(split: unknown): void {
  if (split === 'sentences' || split === 'lines' || split === 'none') return
  throw new ArgumentError({
    function: 'translate',
    argument: 'split',
    expected: "'sentences', 'lines' or 'none'",
    received: JSON.stringify(split),
    remedy: "Leave it out for 'sentences'.",
  })
}
