import { CheckpointError } from '@tfx/common'
import { pieceTypes, type SentencePieceModel } from './model-file'

/** A token and its score; its id is its place. */
export type Entry = [token: string, score: number]

/** The `model` of a tokenizer.json. */
export type TokenizerModelJson = Record<string, unknown>

/**
 * The `model` of a tokenizer.json for a vocabulary.
 *
 * @param entries What has an id, in the order of ids. Tokens that are no pieces of the model are found in no text.
 */
export function modelJson(
  { type, pieces, byteFallback }: SentencePieceModel,
  { entries, unknown }: { entries: readonly Entry[]; unknown: string },
): TokenizerModelJson {
  const unknownId = entries.findIndex(([token]) => token === unknown)
  if (unknownId < 0) {
    throw new CheckpointError({
      function: 'loadTokenizer',
      argument: 'unk_token',
      expected: 'a token of the vocabulary',
      received: unknown,
      remedy: "Set 'unk_token' in tokenizer_config.json to the model's token for what it does not know.",
    })
  }
  if (type === 'unigram') {
    return { type: 'Unigram', unk_id: unknownId, vocab: entries, byte_fallback: byteFallback }
  }
  const ids = new Map(entries.map(([token], id) => [token, id]))
  const mergeable = new Set(
    pieces
      .filter((piece) => piece.type === pieceTypes.normal || piece.type === pieceTypes.userDefined)
      .map(({ text }) => text),
  )
  return {
    type: 'BPE',
    dropout: null,
    unk_token: unknown,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    ignore_merges: false,
    vocab: Object.fromEntries(ids),
    merges: merges(ids, mergeable),
  }
}

/**
 * The merges of a BPE model, first to last: every way to make a piece of two others, in the order of the pieces'
 * ids, which is the order in which training merged them. A SentencePiece model stores the pieces only.
 */
export function merges(
  ids: ReadonlyMap<string, number>,
  mergeable: ReadonlySet<string>,
): [left: string, right: string][] {
  return [...ids.keys()]
    .filter((token) => mergeable.has(token))
    .sort((first, second) => ids.get(first)! - ids.get(second)!)
    .flatMap((token) => {
      const ways: [string, string][] = []
      // Shortest left part first, as transformers orders them. Never between the halves of a surrogate pair.
      let left = ''
      for (const character of token) {
        if (mergeable.has(left) && mergeable.has(token.slice(left.length))) {
          ways.push([left, token.slice(left.length)])
        }
        left += character
      }
      return ways
    })
}
