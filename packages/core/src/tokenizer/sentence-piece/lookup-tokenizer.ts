import { CheckpointError } from '@tfx/common'
import { charactersMap, type Normalize } from './characters-map'
import { m2m100Languages, wmt21Languages } from './languages'
import type { Configuration, Layout, LayoutInput } from './layout'
import type { SentencePieceModel } from './model-file'
import { type Segment, segmenter } from './segmenter'
import { textDecoder, wholeTextSteps } from './steps'
import { type ConvertedTokenizer, sentencePieceTokenizer } from './tokenizer-json'
import type { Entry } from './vocabulary'

/** The ids of tokens: vocab.json. */
export type IdTable = Readonly<Record<string, number>>

/** What the files of Marian and M2M100 have in common. */
export interface LookupOptions {
  /** Cuts texts into pieces: from `textModel`. */
  model: SentencePieceModel
  /** Numbers them. */
  table: IdTable
  config: Configuration
}

/**
 * What makes a tokenizer. Its tokenizer.json is as near as one can come, for programs that read nothing else:
 * it takes target pieces where the source's model has none.
 */
export interface LookupTokenizer extends ConvertedTokenizer {
  tokenize: Segment
  denormalize: Normalize
}

/**
 * Marian: the pieces of the source language's model, numbered by a table that both languages share.
 * `>>fr<<` before a text says which language to translate to.
 */
export function marianTokenizer({ model, table, config }: LookupOptions): LookupTokenizer {
  const isLanguage = (token: string) => token.startsWith('>>') && token.endsWith('<<')
  const layout: Layout = {
    name: 'MarianTokenizer',
    specialTokens: { eos: '</s>', unk: '<unk>', pad: '<pad>' },
    vocabulary: () => numbered(table, model),
    ...asTrained,
    moreSpecialTokens: () => Object.keys(table).filter(isLanguage),
    template: () => ({ single: 'A eos', pair: 'A B eos' }),
  }
  const segment = segmenter(model)
  const converted = sentencePieceTokenizer({ model, layout, config })
  return {
    ...converted,
    denormalize: denormalizer(model),
    tokenize: aroundTokens(
      addedContents(converted.tokenizer, (token) => !isLanguage(token)),
      (text) => {
        const language = /^>>[^]*?<</.exec(text)?.[0]
        return language === undefined ? segment(text) : [language, ...segment(text.slice(language.length))]
      },
    ),
  }
}

/** M2M100: pieces numbered by a table, and after them a token for each language, such as `__en__`. */
export function m2m100Tokenizer({ model, table, config }: LookupOptions): LookupTokenizer {
  const codes = config.language_codes === 'wmt21' ? wmt21Languages : m2m100Languages
  const languages = codes.map((code) => `__${code}__`)
  const source = `'__${typeof config.src_lang === 'string' ? config.src_lang : 'en'}__'`
  const layout: Layout = {
    name: 'M2M100Tokenizer',
    specialTokens: { bos: '<s>', eos: '</s>', unk: '<unk>', sep: '</s>', pad: '<pad>' },
    vocabulary: () => [...numbered(table, model), ...languages.map((token): Entry => [token, 0])],
    ...asTrained,
    moreSpecialTokens: () => languages,
    template: () => ({ single: `${source} A eos`, pair: `${source} A B eos` }),
  }
  const converted = sentencePieceTokenizer({ model, layout, config })
  return {
    ...converted,
    denormalize: denormalizer(model),
    tokenize: aroundTokens(addedContents(converted.tokenizer), segmenter(model)),
  }
}

/** Whole texts as SentencePiece has them. */
const asTrained = {
  normalizer: ({ model }: LayoutInput) => wholeTextSteps(model),
  preTokenizer: () => [],
  decoder: () => textDecoder(true),
}

/** What is decoded has no spaces at its ends, as in Python. */
function denormalizer({ decodingMap }: SentencePieceModel): Normalize {
  const map = charactersMap(decodingMap)
  return (text) => map(text).trim()
}

/** The tokens of a table, in the order of ids. What is no piece of the model gets a score that loses. */
function numbered(table: IdTable, { pieces }: SentencePieceModel): Entry[] {
  const scores = new Map(pieces.map(({ text, score }) => [text, score]))
  const lowest = pieces.reduce((least, { score }) => Math.min(least, score), 0) - 10
  const tokens = Object.keys(table)
  const entries = new Array<Entry | undefined>(tokens.length).fill(undefined)
  for (const token of tokens) entries[table[token]!] = [token, scores.get(token) ?? lowest]
  if (entries.length === tokens.length && entries.every((entry) => entry !== undefined)) return entries
  throw new CheckpointError({
    function: 'loadTokenizer',
    argument: 'vocab.json',
    expected: `tokens with the ids 0 to ${tokens.length - 1}, each once`,
    received: 'others',
    remedy: 'The file is damaged or of another model: download the tokenizer again.',
  })
}

const addedContents = (tokenizer: Record<string, unknown>, keep: (token: string) => boolean = () => true) =>
  (tokenizer.added_tokens as { content: string }[]).map(({ content }) => content).filter(keep)

/** Finds tokens first, and cuts what is between them. */
function aroundTokens(tokens: readonly string[], segment: Segment): Segment {
  const longestFirst = [...tokens].sort((first, second) => second.length - first.length)
  const escaped = longestFirst.map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const splitter = new RegExp(`(${escaped.join('|')})`)
  return (text) =>
    text
      .split(splitter)
      .flatMap((part, index) => (index % 2 === 1 ? [part] : part === '' ? [] : segment(part)))
}
