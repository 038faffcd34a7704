import { CheckpointError } from '@tfx/common'
import { type Piece, pieceTypes, type SentencePieceModel } from './model-file'

/** A token and its score; its id is its place. */
export type Entry = [token: string, score: number]

/** The pieces as a vocabulary, each at its place. */
export const entriesOf = (model: SentencePieceModel): Entry[] =>
  model.pieces.map(({ text, score }) => [text, score])

/** The `model` of a tokenizer.json. */
export type TokenizerModelJson = Record<string, unknown>

/**
 * The model with those of its pieces that a text can be cut into, and the scores that SentencePiece gives them: what
 * its trainer listed always wins.
 */
export function textModel(model: SentencePieceModel): SentencePieceModel {
  const best = model.pieces.reduce(
    (most, { score, type }) => (type === pieceTypes.normal ? Math.max(most, score) : most),
    -Infinity,
  )
  const pieces = model.pieces.flatMap((piece): Piece[] => {
    if (piece.type === pieceTypes.normal) return [piece]
    if (piece.type !== pieceTypes.userDefined) return []
    return [{ ...piece, type: pieceTypes.normal, score: Buffer.byteLength(piece.text) * best - 0.1 }]
  })
  return { ...model, pieces }
}

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
  const vocab = new Map(entries.map(([token], id) => [token, id]))
  const mergeable = pieces.filter(
    ({ text, type: use }) => (use === pieceTypes.normal || use === pieceTypes.userDefined) && vocab.has(text),
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
    vocab: Object.fromEntries(vocab),
    merges: merges(mergeable.map(({ text }) => text)),
  }
}

/**
 * The merges of a BPE model, first to last: every way to make a piece of two others, in the order of the pieces,
 * which is that in which training merged them. A SentencePiece model stores the pieces only.
 */
export function merges(pieces: readonly string[]): [left: string, right: string][] {
  const known = new Set(pieces)
  return pieces.flatMap((piece) => {
    const ways: [string, string][] = []
    // Shortest left part first, as transformers orders them. Never between the halves of a surrogate pair.
    let left = ''
    for (const character of piece) {
      const right = piece.slice(left.length)
      if (known.has(left) && known.has(right)) ways.push([left, right])
      left += character
    }
    return ways
  })
}
