import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { ArgumentError, CheckpointError, isTfxError, type TfxErrorDetails } from '@tfx/common'
import {
  findLanguages,
  resolveLanguage,
  surroundings,
  type Surroundings,
  type TokenizerLanguages,
} from './languages'
import { correctLibrary } from './library-differences'
import { tokenText } from './token-text'
import { longestFirst } from './truncation'
import { cacheWords } from './word-cache'

/** A text, or a pair of texts, as a model reads it. */
export interface TokenizedText {
  readonly inputIds: number[]
  /** 1 for every token. */
  readonly attentionMask: number[]
  /** 0 for the first text and 1 for the second; absent where the tokenizer does not tell them apart. */
  readonly tokenTypeIds?: number[]
  /** Whether tokens were cut off. */
  readonly truncated: boolean
}

/** Options of {@link Tokenizer.encode}. */
export interface TokenizeOptions {
  /** Longer inputs are cut, the longest text first; special tokens count. Default: the tokenizer's `maxLength`. */
  maxLength?: number
  /** Put the special tokens that the model expects around the text. Default true. */
  addSpecialTokens?: boolean
  /** Cut what reads like an added token, `<|im_end|>` for instance, into tokens of ordinary text. Default false. */
  addedTokensAsText?: boolean
}

/** Text to token ids and back, as Hugging Face does it. */
export interface Tokenizer {
  /**
   * @param textPair A second text for tasks on pairs.
   * @throws ArgumentError if `maxLength` leaves no room beside the special tokens.
   */
  encode(text: string, textPair?: string, options?: TokenizeOptions): TokenizedText
  /** Encodes each text or pair of texts. */
  encodeBatch(
    texts: readonly (string | readonly [string, string])[],
    options?: TokenizeOptions,
  ): TokenizedText[]
  /** The text of some ids; special tokens are left out unless `skipSpecialTokens` is false. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string
  readonly padTokenId: number
  /** Absent for tokenizers of models that were not trained by masking. */
  readonly maskTokenId?: number
  readonly specialTokenIds: readonly number[]
  /** The tokens that are looked for in a text before anything else, special or not. */
  readonly addedTokens: readonly AddedToken[]
  /** One above the largest id. */
  readonly vocabSize: number
  /** The most tokens that the model takes, special tokens included; Infinity where no file says. */
  readonly maxLength: number
  /** Every token with its id. */
  vocabulary(): ReadonlyMap<string, number>
  /** The languages that texts are marked with, in models of several. */
  readonly languages?: TokenizerLanguages
  /**
   * The same tokenizer for texts in another of its languages; of Marian, for texts to be translated to it.
   *
   * @param language Its code, or another one of it, such as `de` for `deu_Latn`.
   * @throws ArgumentError if there is no such language.
   */
  withLanguage(language: string): Tokenizer
  /** Encodes what is to be written, where that has pieces of its own (Marian). */
  readonly target?: Tokenizer
  /** The files that it was made from, by name: written byte for byte when a model is saved. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** A token that stands beside the vocabulary of ordinary text. */
export interface AddedToken {
  readonly id: number
  readonly text: string
  /** Whether it is left out where ids are read as text. */
  readonly isSpecial: boolean
}

/** What {@link createTokenizer} makes a tokenizer from. */
export interface TokenizerParts {
  /** The parsed tokenizer.json. */
  tokenizer: Readonly<Record<string, unknown>>
  /** The parsed tokenizer_config.json. */
  config: Readonly<Record<string, unknown>>
  /** The model's own limit in tokens. Default: none. */
  maxLength?: number
  files?: ReadonlyMap<string, Uint8Array>
  target?: Tokenizer | undefined
  /** Cuts a text into tokens, without special tokens around it. Default: as `tokenizer` says. */
  tokenize?: ((text: string) => string[]) | undefined
  /** The last step of decoding. Default: none. */
  denormalize?: ((text: string) => string) | undefined
}

/** What `tokenizers` 4 and older wrote for "no limit" is 1e30. */
const noLimit = 1e15

/**
 * A tokenizer from the parsed content of its files, run by `@huggingface/tokenizers`, the library inside
 * Transformers.js.
 *
 * @throws CheckpointError if the files describe no tokenizer that works, or one without padding.
 *
 * @example
 * ```ts
 * const tokenizer = createTokenizer({ tokenizer: tokenizerJson, config: tokenizerConfigJson })
 * tokenizer.encode('a great film').inputIds
 * ```
 */
export function createTokenizer(parts: TokenizerParts): Tokenizer {
  const inner = open(parts.tokenizer, parts.config)
  if (inner.model) cacheWords(inner.model)
  return assemble(inner, parts)
}

/** @param surround What stands around texts. Default: what tokenizer.json says. */
function assemble(inner: HuggingFaceTokenizer, parts: TokenizerParts, surround?: Surroundings): Tokenizer {
  const { config, maxLength, files = new Map<string, Uint8Array>(), target, denormalize = same } = parts
  const vocabulary = inner.get_vocab(true)
  const idOf = (role: string) => vocabulary.get(tokenText(config[role]) ?? '')
  const padTokenId = idOf('pad_token') ?? vocabulary.get('[PAD]') ?? vocabulary.get('<pad>')
  if (padTokenId === undefined) {
    throw invalid({
      expected: 'one with a padding token',
      received: 'one without',
      remedy: "Set 'pad_token' in tokenizer_config.json to a token of the vocabulary.",
    })
  }
  const maskTokenId = idOf('mask_token') ?? vocabulary.get('[MASK]') ?? vocabulary.get('<mask>')
  const modelMaxLength = typeof config.model_max_length === 'number' ? config.model_max_length : noLimit
  const limit = Math.min(maxLength ?? Infinity, modelMaxLength >= noLimit ? Infinity : modelMaxLength)
  const added = [...inner.get_added_tokens_decoder().values()]
  // Off unless the checkpoint asks for it, as in transformers 5.
  const cleanUp = config.clean_up_tokenization_spaces === true
  const encode = createEncoder(inner, { vocabulary, limit, surround, tokenize: parts.tokenize })
  const wholeTokens = added.map(({ content, id }) => [content, id] as const)
  const languages = findLanguages(files.has('source.spm') ? vocabulary : wholeTokens)
  return {
    encode,
    encodeBatch: (texts, options) =>
      texts.map((text) =>
        typeof text === 'string' ? encode(text, undefined, options) : encode(...text, options),
      ),
    decode: (ids, { skipSpecialTokens = true } = {}) =>
      ids.length === 0
        ? ''
        : denormalize(
            inner.decode([...ids], {
              skip_special_tokens: skipSpecialTokens,
              clean_up_tokenization_spaces: cleanUp,
            }),
          ),
    padTokenId,
    ...(maskTokenId === undefined ? {} : { maskTokenId }),
    specialTokenIds: added.filter(({ special }) => special).map(({ id }) => id),
    addedTokens: added.map(({ id, content, special }) => ({ id, text: content, isSpecial: special })),
    vocabSize: [...vocabulary.values()].reduce((largest, id) => Math.max(largest, id), -1) + 1,
    maxLength: limit,
    vocabulary: () => vocabulary,
    ...(languages && { languages }),
    withLanguage(language) {
      const caller = { function: 'withLanguage', argument: 'language' }
      const code = resolveLanguage(language, languages?.tokens.keys() ?? [], caller)
      const around = surroundings(languages!.family, code, config)
      return assemble(inner, { ...parts, files: withSourceLanguage(files, config, code) }, around)
    },
    ...(target && { target }),
    files,
  }
}

const same = (text: string): string => text

/** The files of a tokenizer whose texts are in a language: transformers takes it from there, too. */
function withSourceLanguage(
  files: ReadonlyMap<string, Uint8Array>,
  config: TokenizerParts['config'],
  language: string,
): ReadonlyMap<string, Uint8Array> {
  const json = JSON.stringify({ ...config, src_lang: language }, undefined, 2)
  return new Map([...files, ['tokenizer_config.json', new TextEncoder().encode(`${json}\n`)]])
}

function open(
  tokenizer: TokenizerParts['tokenizer'],
  config: TokenizerParts['config'],
): HuggingFaceTokenizer {
  try {
    const opened = new HuggingFaceTokenizer(tokenizer, config)
    correctLibrary(opened)
    return opened
  } catch (cause) {
    if (isTfxError(cause)) throw cause
    throw invalid({
      expected: 'the JSON of a tokenizer',
      received: String(cause),
      remedy: 'Download or save the tokenizer again.',
      cause,
    })
  }
}

/**
 * The library's own `encode` adds the special tokens at once, so that cutting its result would lose the last of
 * them; here texts are cut before the special tokens come.
 */
function createEncoder(
  inner: HuggingFaceTokenizer,
  options: {
    vocabulary: ReadonlyMap<string, number>
    limit: number
    surround: Surroundings | undefined
    tokenize: TokenizerParts['tokenize']
  },
): Tokenizer['encode'] {
  const { vocabulary, limit, surround } = options
  const unknownId = inner.model?.unk_token_id ?? 0
  // Some added tokens are looked for in normalized text, and found as they are there.
  const normalizedIds = new Map(
    [...inner.get_added_tokens_decoder().values()].flatMap(({ id, content, normalized }) =>
      normalized && inner.normalizer ? [[inner.normalizer(content), id] as const] : [],
    ),
  )
  interface Processed {
    tokens: string[]
    token_type_ids?: number[]
  }
  const process = (tokens: string[], pair: string[] | null, addSpecialTokens: boolean): Processed => {
    const all = [...tokens, ...(pair ?? [])]
    if (surround) return { tokens: addSpecialTokens ? [...surround.before, ...all, ...surround.after] : all }
    const processed = inner.post_processor?.(tokens, pair, addSpecialTokens) ?? { tokens: all }
    // ByteLevel leaves the texts apart.
    const { tokens_pair: rest } = processed
    return rest ? { tokens: [...processed.tokens, ...rest] } : processed
  }
  const specialTokens = {
    single: process([], null, true).tokens.length,
    pair: process([], [], true).tokens.length,
  }
  const tokenize = options.tokenize ?? ((text: string) => inner.tokenize(text, { add_special_tokens: false }))
  return (text, textPair, { maxLength = limit, addSpecialTokens = true, addedTokensAsText = false } = {}) => {
    const cut = addedTokensAsText ? (part: string) => tokenizeAsText(inner, part) : tokenize
    const first = cut(text)
    // As in Hugging Face tokenizers, an empty second text is none.
    const second = textPair === undefined || textPair === '' ? null : cut(textPair)
    const room = maxLength - (addSpecialTokens ? specialTokens[second ? 'pair' : 'single'] : 0)
    if (!(room > 0)) throw noRoom(maxLength, maxLength - room)
    const kept = longestFirst([first.length, second?.length ?? 0], room)
    const truncated = kept[0] < first.length || kept[1] < (second?.length ?? 0)
    const { tokens, token_type_ids: tokenTypeIds } = truncated
      ? process(first.slice(0, kept[0]), second?.slice(0, kept[1]) ?? null, addSpecialTokens)
      : process(first, second, addSpecialTokens)
    const inputIds = tokens.map((token) => normalizedIds.get(token) ?? vocabulary.get(token) ?? unknownId)
    const attentionMask = new Array<number>(inputIds.length).fill(1)
    return { inputIds, attentionMask, ...(tokenTypeIds ? { tokenTypeIds } : {}), truncated }
  }
}

/** Tokens of a text by the tokenizer's steps alone, without a search for added tokens. */
function tokenizeAsText(inner: HuggingFaceTokenizer, text: string): string[] {
  const normalized = inner.normalizer ? inner.normalizer(text) : text
  if (normalized === '') return []
  const words = inner.pre_tokenizer ? inner.pre_tokenizer(normalized, { section_index: 0 }) : [normalized]
  return inner.model?.(words) ?? []
}

function invalid(
  details: Pick<TfxErrorDetails, 'expected' | 'received' | 'remedy' | 'cause'>,
): CheckpointError {
  return new CheckpointError({ function: 'createTokenizer', argument: 'tokenizer', ...details })
}

function noRoom(maxLength: number, specialTokens: number): ArgumentError {
  return new ArgumentError({
    function: 'encode',
    argument: 'maxLength',
    expected: `above ${specialTokens}, the number of special tokens`,
    received: String(maxLength),
    remedy: 'Pass a larger maxLength.',
  })
}
