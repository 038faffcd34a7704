import { metadataError, required, textOf, textsOf, type GgufFacts } from './metadata'
import { preTokenizers } from './pre-tokenizers'
import type { GgufVocabulary, TokenizerKind } from './tokenizer-kind'

/**
 * A byte-level BPE, GPT-2's kind.
 *
 * @throws CheckpointError if `tokenizer.ggml.pre` is not known: texts would be cut in other places.
 */
export function byteLevelBpe(file: GgufFacts, { tokens }: GgufVocabulary): TokenizerKind {
  const key = 'tokenizer.ggml.pre'
  const pre = textOf(file, key) ?? 'default'
  const cut = preTokenizers.get(pre)
  if (cut === undefined) {
    throw metadataError(file, {
      key,
      expected: `one of ${[...preTokenizers.keys()].join(', ')}`,
      received: pre,
      remedy: 'Put the tokenizer.json of the same model beside the file, and load the directory.',
    })
  }
  return {
    ...cut,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: cut.ignoresMerges,
      vocab: Object.fromEntries(tokens.map((token, id) => [spelledInBytes(token), id])),
      merges: mergesOf(file),
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    // A token for control that is not spelled in bytes is a mistake of llama.cpp's converter.
    isControl: isSpelledInBytes,
  }
}

/** Pairs of tokens, the first to be merged first. @throws CheckpointError if one is no pair. */
export function mergesOf(file: GgufFacts): string[][] {
  const key = 'tokenizer.ggml.merges'
  return required(textsOf, file, key).map((merge) => {
    const pair = merge.split(' ')
    if (pair.length === 2) return pair
    throw metadataError(file, { key, expected: 'pairs of tokens', received: merge })
  })
}

/** A character for each byte: the printable ones stand for themselves, the others are moved beyond 255. */
const characters = ((): string[] => {
  let moved = 256
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255)
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : moved++))
})()

const alphabet = new Set(characters)

const isSpelledInBytes = (token: string) => [...token].every((character) => alphabet.has(character))

/** Added tokens are in the file as text. */
function spelledInBytes(token: string): string {
  if (isSpelledInBytes(token)) return token
  return Array.from(new TextEncoder().encode(token), (byte) => characters[byte]).join('')
}
