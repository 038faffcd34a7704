/** A byte-level BPE as GPT-2's: every text is bytes, so that no token is ever unknown. */
import { mergePairs } from '../base-encoder/recipe/merge-pairs.mjs'

/** GPT-2's way to cut a text into words, their space in front. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu

/** GPT-2's characters for bytes: printable ones stand for themselves, the others follow from 256 on. */
export function byteCharacters() {
  const isPrintable = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++))
}

/**
 * Learns merges from text.
 * @param {Iterable<string>} texts
 * @param {number} count how many merges
 * @returns {{ left: string, right: string }[]} in the order in which they apply
 */
export function trainMerges(texts, count) {
  const characters = byteCharacters()
  const counts = new Map()
  for (const text of texts)
    for (const [word] of text.matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1)
  const words = [...counts].map(([word, times]) => ({
    count: times,
    pieces: Array.from(Buffer.from(word), (byte) => characters[byte]),
  }))
  const merges = []
  mergePairs(words, (merge) => merges.push(merge) <= count)
  return merges.slice(0, count)
}

/**
 * A tokenizer.json of Hugging Face `tokenizers`.
 * @param {{
 *   merges: { left: string, right: string }[],
 *   first: string[], the special tokens in front
 *   last?: string[], those behind
 *   end?: string, the token that closes every text
 * }} parts
 */
export function describeTokenizer({ merges, first, last = [], end }) {
  const tokens = [...first, ...byteCharacters(), ...merges.map(({ left, right }) => left + right), ...last]
  const vocab = Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const special = (token) => ({ SpecialToken: { id: token, type_id: 0 } })
  const sequence = (id) => ({ Sequence: { id, type_id: 0 } })
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [...first, ...last].map((content) => ({
      id: vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor:
      end === undefined
        ? byteLevel
        : {
            type: 'TemplateProcessing',
            single: [sequence('A'), special(end)],
            pair: [sequence('A'), special(end), sequence('B'), special(end)],
            special_tokens: { [end]: { id: end, ids: [vocab[end]], tokens: [end] } },
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
      vocab,
      merges: merges.map(({ left, right }) => `${left} ${right}`),
    },
  }
}
