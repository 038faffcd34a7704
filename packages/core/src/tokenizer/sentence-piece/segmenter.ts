import { BPE, Unigram } from '@huggingface/tokenizers'
import { charactersMap } from './characters-map'
import { pieceTypes, type SentencePieceModel } from './model-file'
import { spaceMark } from './steps'
import { type Entry, merges } from './vocabulary'

/** Cuts a text into pieces. */
export type Segment = (text: string) => string[]

/**
 * Cuts texts as SentencePiece itself does, for the checkpoints whose tokenizers in Python are SentencePiece and a
 * table of ids. What has no piece stays as it is, in one; with byte fallback, it becomes the tokens of its bytes.
 */
export function segmenter(model: SentencePieceModel): Segment {
  const normalize = normalizer(model)
  const known = new Set(
    model.pieces
      .filter(({ type }) => type === pieceTypes.normal || type === pieceTypes.userDefined)
      .map(({ text }) => text),
  )
  const cut = model.type === 'unigram' ? unigram(model) : bytePairs(model, known)
  const encoder = new TextEncoder()
  return (text) => {
    const normalized = normalize(text)
    const pieces: string[] = []
    let unknown = ''
    const flush = () => {
      if (unknown === '') return
      if (model.byteFallback) pieces.push(...Array.from(encoder.encode(unknown), byteToken))
      else pieces.push(unknown)
      unknown = ''
    }
    for (const piece of normalized === '' ? [] : cut(normalized)) {
      if (!known.has(piece)) {
        unknown += piece
        continue
      }
      flush()
      pieces.push(piece)
    }
    flush()
    return pieces
  }
}

const byteToken = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

function normalizer({
  charsMap,
  addDummyPrefix,
  removeExtraWhitespaces,
}: SentencePieceModel): (text: string) => string {
  const map = charsMap.length === 0 ? (text: string) => text : charactersMap(charsMap)
  return (text) => {
    let normalized = map(text)
    if (removeExtraWhitespaces) normalized = normalized.replace(/^ +| +$/g, '').replace(/ {2,}/g, ' ')
    if (normalized === '') return ''
    return (addDummyPrefix ? spaceMark : '') + normalized.replaceAll(' ', spaceMark)
  }
}

/** The most probable pieces. */
function unigram({ pieces }: SentencePieceModel): Segment {
  const normal = pieces.filter(({ type }) => type === pieceTypes.normal)
  const best = normal.reduce((most, { score }) => Math.max(most, score), -Infinity)
  const entries = pieces.flatMap(({ text, score, type }): Entry[] => {
    if (type === pieceTypes.normal) return [[text, score]]
    if (type !== pieceTypes.userDefined) return []
    // As SentencePiece scores them, so that they always win.
    return [[text, Buffer.byteLength(text) * best - 0.1]]
  })
  // The library wants an unknown token; the empty one is in no text.
  const model = new Unigram({ type: 'Unigram', vocab: [['', 0], ...entries], unk_id: 0 }, '')
  return (text) => model.tokenize(text)
}

function bytePairs({ pieces }: SentencePieceModel, known: ReadonlySet<string>): Segment {
  const ids = new Map(pieces.map(({ text }, id) => [text, id]))
  const model = new BPE({ type: 'BPE', vocab: {}, merges: merges(ids, known), ignore_merges: false })
  return (text) => model.bpe(text)
}
