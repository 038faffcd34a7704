import { CheckpointError, type TfxErrorDetails } from '@tfx/common'
import protobuf from 'protobufjs/minimal.js'

/** What a piece is for, in the numbers of SentencePiece. */
export const pieceTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

/** An entry of the vocabulary; its id is its place. */
export interface Piece {
  readonly text: string
  /** Log probability (unigram), or minus the rank of its merge (BPE). */
  readonly score: number
  /** One of {@link pieceTypes}. */
  readonly type: number
}

/** What a SentencePiece model says. */
export interface SentencePieceModel {
  readonly type: 'unigram' | 'bpe'
  readonly pieces: readonly Piece[]
  /** Characters that no piece has become their bytes. */
  readonly byteFallback: boolean
  /** A Darts trie from what is replaced to its replacement; empty for none. */
  readonly charsMap: Uint8Array
  /** Such a trie for what is decoded. */
  readonly decodingMap: Uint8Array
  /** A space is added to the text: before it, or after it where spaces are marked after words. */
  readonly addDummySpace: boolean
  /** The mark of a space ends a word instead of beginning it. */
  readonly spaceAfterWord: boolean
  /** Spaces at both ends are dropped, and several in a row are one. */
  readonly removeExtraWhitespaces: boolean
}

/** Longer pieces are a sign of damage; the trainer's default limit is 16 characters. */
const longestPiece = 1000
const modelTypes = ['unigram', 'bpe', 'word', 'char'] as const

/**
 * Reads a SentencePiece model: a protocol buffer of type ModelProto, of which only what tokenizers need is kept.
 * Never reads beyond `bytes` nor takes more memory than a small multiple of it, whatever they are.
 *
 * Field numbers are those of sentencepiece_model.proto.
 *
 * @param file Its name, for errors.
 * @throws CheckpointError if the bytes are no SentencePiece model, or one of a kind that no checkpoint has: word or
 * character models, spaces that are not marked.
 */
export function readSentencePiece(bytes: Uint8Array, file: string): SentencePieceModel {
  const pieces: Piece[] = []
  const trainer = { modelType: 1, suffix: 0, byteFallback: 0 }
  let decodingMap = new Uint8Array()
  const normalizer = { charsMap: new Uint8Array(), dummyPrefix: 1, removeExtra: 1, escape: 1 }
  try {
    readFields(protobuf.Reader.create(bytes), {
      [tag(1, 2)]: (reader) => pieces.push(readPiece(reader)),
      [tag(2, 2)]: (reader) => {
        readFields(part(reader), {
          [tag(3, 0)]: (field) => (trainer.modelType = field.uint32()),
          [tag(24, 0)]: (field) => (trainer.suffix = field.uint32()),
          [tag(35, 0)]: (field) => (trainer.byteFallback = field.uint32()),
        })
      },
      [tag(3, 2)]: (reader) => {
        readFields(part(reader), {
          [tag(2, 2)]: (field) => (normalizer.charsMap = Uint8Array.from(field.bytes())),
          [tag(3, 0)]: (field) => (normalizer.dummyPrefix = field.uint32()),
          [tag(4, 0)]: (field) => (normalizer.removeExtra = field.uint32()),
          [tag(5, 0)]: (field) => (normalizer.escape = field.uint32()),
        })
      },
      [tag(5, 2)]: (reader) => {
        readFields(part(reader), { [tag(2, 2)]: (field) => (decodingMap = Uint8Array.from(field.bytes())) })
      },
    })
  } catch (cause) {
    throw invalid(file, { expected: 'a SentencePiece model', received: String(cause), cause })
  }
  const type = modelTypes[trainer.modelType - 1]
  if (type !== 'unigram' && type !== 'bpe') {
    throw invalid(file, {
      expected: 'a unigram or BPE model',
      received: `one of type ${type ?? trainer.modelType}`,
    })
  }
  if (!normalizer.escape)
    throw invalid(file, { expected: 'a model that marks spaces by ▁', received: 'one that does not' })
  checkPieces(pieces, file)
  return {
    type,
    pieces,
    byteFallback: trainer.byteFallback !== 0,
    charsMap: normalizer.charsMap,
    decodingMap,
    addDummySpace: normalizer.dummyPrefix !== 0,
    spaceAfterWord: trainer.suffix !== 0,
    removeExtraWhitespaces: normalizer.removeExtra !== 0,
  }
}

/** Wire type 0 is a varint, 2 is length-delimited, 5 is a 32-bit float. */
const tag = (field: number, wireType: 0 | 2 | 5) => (field << 3) | wireType

type Fields = Readonly<Record<number, (reader: protobuf.Reader) => unknown>>

/** Hands each known field to its function, and skips the others. */
function readFields(reader: protobuf.Reader, fields: Fields): void {
  while (reader.pos < reader.len) {
    const next = reader.uint32()
    const read = fields[next]
    if (read) read(reader)
    else reader.skipType(next & 7, 0, next >>> 3)
  }
}

/** A message inside a message. */
const part = (reader: protobuf.Reader) => protobuf.Reader.create(reader.bytes())

function readPiece(reader: protobuf.Reader): Piece {
  const piece = { text: '', score: 0, type: pieceTypes.normal as number }
  readFields(part(reader), {
    [tag(1, 2)]: (field) => (piece.text = field.string()),
    [tag(2, 5)]: (field) => (piece.score = field.float()),
    [tag(3, 0)]: (field) => (piece.type = field.uint32()),
  })
  return piece
}

function checkPieces(pieces: readonly Piece[], file: string): void {
  const seen = new Set<string>()
  for (const { text, score, type } of pieces) {
    if (text === '' || text.length > longestPiece || seen.has(text)) {
      const received = text === '' ? 'an empty one' : `${text.slice(0, 20)}${seen.has(text) ? ' twice' : '…'}`
      throw invalid(file, {
        expected: `one with different pieces of 1 to ${longestPiece} characters`,
        received,
      })
    }
    if (!Number.isFinite(score) || type < pieceTypes.normal || type > pieceTypes.byte) {
      throw invalid(file, {
        expected: 'one whose pieces have a score and a known type',
        received: `${text}: ${score}, type ${type}`,
      })
    }
    seen.add(text)
  }
  const unknown = pieces.filter(({ type }) => type === pieceTypes.unknown).length
  if (unknown !== 1) {
    throw invalid(file, { expected: 'one with one unknown piece', received: `${unknown} of them` })
  }
}

function invalid(
  file: string,
  details: Pick<TfxErrorDetails, 'expected' | 'received' | 'cause'>,
): CheckpointError {
  return new CheckpointError({
    function: 'loadTokenizer',
    argument: file,
    remedy: 'If the file is damaged, download it again; else save a tokenizer.json in Python.',
    ...details,
  })
}
