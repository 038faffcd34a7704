import { ArgumentError } from '@tfx/common'
import type { SequenceToSequenceConfig, TranslationTokens } from '@tfx/core'
import type { LanguageModel, WriteOptions } from '@tfx/transfer'
import { faultOf } from './check-text'
import { tokensFor } from './directions'
import { type Glossary, glossaryTokens, type GlossaryTokens } from './glossary'
import { cutLongText, joinSegments, segmentText, type SplitInto } from './layout'
import type { TranslationOptions } from './head'
import type { TranslationPair } from './pair'

/** How texts are translated: where from and to, and the settings of `generate` over the model's own. */
export interface TranslateOptions extends WriteOptions {
  /** The language of the texts. Default: the one that the model was trained for. */
  readonly source?: string
  /** The language to translate to. Default: the one that the model was trained for. */
  readonly target?: string
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
  {
    source,
    target,
    glossary = {},
    split = 'sentences',
    maxWords = 100_000,
    ...options
  }: TranslateOptions = {},
): Promise<string[]> {
  texts.forEach((text, index) => {
    checkText(text, { argument: texts.length === 1 ? 'text' : `texts[${index}]`, maxWords })
  })
  checkSplit(split)
  const tokens = tokensFor(model, { source, target }, 'translate')
  const terms = glossaryTokens(glossary, tokens.target)
  const fits = (text: string) => !encode(model, tokens, text).truncated
  const documents = texts.map((text) => {
    const { before, segments } = segmentText(text, split, source)
    return { before, segments: segments.flatMap((segment) => withinLimit(segment, fits)) }
  })
  const sentences = documents.flatMap(({ segments }) => segments.map(({ text }) => text))
  const written = await writeSentences(model, sentences, { tokens, terms, options })
  let next = 0
  return documents.map((document) => {
    const own = written.slice(next, (next += document.segments.length))
    return joinSegments(document, own)
  })
}

/** A segment as the model can read it: in pieces if it is too long. */
function withinLimit(segment: { text: string; after: string }, fits: (text: string) => boolean) {
  const pieces = cutLongText(segment.text, fits)
  const last = pieces.at(-1)!
  return [...pieces.slice(0, -1), { ...last, after: segment.after }]
}

function encode(model: TranslationLanguageModel, { source, prefix }: TranslationTokens, text: string) {
  return source.encode(prefix + text, undefined, { maxLength: model.maxLength })
}

interface Writing {
  readonly tokens: TranslationTokens
  readonly terms: GlossaryTokens
  readonly options: WriteOptions
}

/** Sentences with the same forced terms are written together; each sentence once, however often it occurs. */
async function writeSentences(
  model: TranslationLanguageModel,
  sentences: readonly string[],
  { tokens, terms, options }: Writing,
): Promise<string[]> {
  const groups = new Map<string, { sentences: string[]; forced: number[][][] }>()
  for (const sentence of new Set(sentences)) {
    const forced = terms.forced(sentence)
    const key = JSON.stringify(forced)
    const group = groups.get(key) ?? { sentences: [], forced }
    group.sentences.push(sentence)
    groups.set(key, group)
  }
  const banned = [...(options.badWordsIds ?? model.generation.badWordsIds ?? []), ...terms.forbidden]
  const { numBeams = model.generation.numBeams ?? 1 } = options
  const translations = new Map<string, string>()
  for (const group of groups.values()) {
    const prompts = group.sentences.map((sentence) => encode(model, tokens, sentence).inputIds)
    const written = await model.write(prompts, {
      ...options,
      ...tokens.generation,
      ...(banned.length > 0 && { badWordsIds: banned }),
      ...(group.forced.length > 0 && { forceWordsIds: group.forced, numBeams: numBeams > 1 ? numBeams : 4 }),
    })
    group.sentences.forEach((sentence, index) => {
      translations.set(sentence, tokens.target.decode(written[index]![0]!.tokens).trim())
    })
  }
  return sentences.map((sentence) => translations.get(sentence)!)
}

function checkText(text: unknown, { argument, maxWords }: { argument: string; maxWords: number }): void {
  const fault = faultOf(text)
  if (fault) throw new ArgumentError({ function: 'translate', argument, ...fault })
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
