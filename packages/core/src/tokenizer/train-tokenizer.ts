import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { ArgumentError } from '@tfx/common'
import { type CountedWord, type Merge, mergePairs } from './merge-pairs'
import { createTokenizer, type Tokenizer } from './tokenizer'

/** Options of {@link trainTokenizer}. */
export interface TrainTokenizerOptions {
  /** Tokens at most: 256 bytes, the special ones, and one for each merge. Default 8000. */
  readonly vocabSize?: number
  /** Pairs that occur less often stay apart. Default 2. */
  readonly minFrequency?: number
  /** Special tokens behind `<s>`, `<pad>`, `</s>` and `<unk>`, for instance `>>de<<`. Default none. */
  readonly specialTokens?: readonly string[]
  /** The most tokens that a model takes. Default: no limit. */
  readonly maxLength?: number
}

const roles = { bos_token: '<s>', pad_token: '<pad>', eos_token: '</s>', unk_token: '<unk>' } as const

/**
 * Learns a tokenizer from texts: byte-level byte pair encoding, as GPT-2's, with `</s>` behind every text. Any text can
 * be written with it; there are no unknown tokens. The merges are those of Hugging Face `tokenizers`.
 *
 * @param texts Of one language, or of several that are to share their tokens.
 * @throws ArgumentError if `vocabSize` has no room for the bytes, or there is no text.
 *
 * @example
 * ```ts
 * const tokenizer = trainTokenizer([...english, ...german], { vocabSize: 8000 })
 * tokenizer.encode('Ein Hund rennt').inputIds
 * ```
 */
export function trainTokenizer(texts: Iterable<string>, options: TrainTokenizerOptions = {}): Tokenizer {
  const { vocabSize = 8000, minFrequency = 2, specialTokens = [], maxLength } = options
  const special = [...Object.values(roles), ...specialTokens]
  const tokens = [...special, ...byteCharacters()]
  if (!Number.isSafeInteger(vocabSize) || vocabSize < tokens.length) {
    throw new ArgumentError({
      function: 'trainTokenizer',
      argument: 'vocabSize',
      expected: `a whole number of at least ${tokens.length}: ${special.length} special tokens and 256 bytes`,
      received: String(vocabSize),
      remedy: 'Several thousand are usual.',
    })
  }
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const words = countWords(texts, special, ids)
  if (words.length === 0) {
    throw new ArgumentError({
      function: 'trainTokenizer',
      argument: 'texts',
      expected: 'at least one text',
      received: 'none',
      remedy: 'Pass the texts that the tokenizer is for.',
    })
  }
  const merges = mergePairs(words, {
    merges: vocabSize - tokens.length,
    minFrequency,
    idOf([left, right]) {
      const token = tokens[left]! + tokens[right]!
      const known = ids.get(token)
      if (known !== undefined) return known
      ids.set(token, tokens.length)
      return tokens.push(token) - 1
    },
  })
  const tokenizer = tokenizerJson(special, tokens, merges)
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...roles,
    ...(specialTokens.length > 0 && { additional_special_tokens: specialTokens }),
    ...(maxLength !== undefined && { model_max_length: maxLength }),
    clean_up_tokenization_spaces: false,
  }
  const bytes = (json: object) => new TextEncoder().encode(`${JSON.stringify(json, undefined, 1)}\n`)
  const files = new Map([
    ['tokenizer.json', bytes(tokenizer)],
    ['tokenizer_config.json', bytes(config)],
  ])
  return createTokenizer({ tokenizer, config, files })
}

/** The words of all texts as bytes, by the tokenizer's own rules. */
function countWords(
  texts: Iterable<string>,
  special: readonly string[],
  ids: ReadonlyMap<string, number>,
): CountedWord[] {
  const cutter = new HuggingFaceTokenizer(tokenizerJson(special, [...ids.keys()], []), roles).pre_tokenizer!
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const word of cutter.pre_tokenize_text(text, { section_index: 0 })) {
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  }
  return [...counts].map(([word, count]) => ({ count, pieces: Array.from(word, (byte) => ids.get(byte)!) }))
}

/** GPT-2's characters for bytes, in their order: printable ones stand for themselves, the others follow from 256 on. */
function byteCharacters(): string[] {
  const isPrintable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
  const bytes = Array.from({ length: 256 }, (_, byte) => byte)
  const others = bytes.filter((byte) => !isPrintable(byte)).map((_, index) => 256 + index)
  return [...bytes.filter(isPrintable), ...others].map((code) => String.fromCharCode(code))
}

function tokenizerJson(
  special: readonly string[],
  tokens: readonly string[],
  merges: readonly Merge[],
): Record<string, unknown> {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const end = roles.eos_token
  const endToken = { SpecialToken: { id: end, type_id: 0 } }
  const text = (id: 'A' | 'B') => ({ Sequence: { id, type_id: 0 } })
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [text('A'), endToken],
      pair: [text('A'), endToken, text('B'), endToken],
      special_tokens: { [end]: { id: end, ids: [tokens.indexOf(end)], tokens: [end] } },
    },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map(([left, right]) => `${tokens[left]!} ${tokens[right]!}`),
    },
  }
}
