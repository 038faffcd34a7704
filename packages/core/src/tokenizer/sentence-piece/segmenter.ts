import { BPE, Unigram } from '@huggingface/tokenizers'
import { charactersMap } from './characters-map'
import type { SentencePieceModel } from './model-file'
import { spaceMark } from './steps'
import { type Entry, entriesOf, merges } from './vocabulary'

/** Cuts a text into pieces. */
export type Segment = (text: string) => string[]

/**
 * Cuts texts as SentencePiece itself does, for the checkpoints whose tokenizers in Python are SentencePiece and a
 * table of ids. What has no piece stays as it is, in one; with byte fallback, it becomes the tokens of its bytes.
 *
 * @param model From `textModel`.
 */
export function segmenter(model: SentencePieceModel): Segment {
  const normalize = normalizer(model)
  const known = new Set(model.pieces.map(({ text }) => text))
  const cut = model.type === 'unigram' ? unigram(model) : bytePairs(model)
  const encoder = new TextEncoder()
  return (text) => {
    const normalized = normalize(text)
    const found: string[] = []
    let unknown = ''
    const flush = () => {
      if (unknown === '') return
      if (model.byteFallback) for (const byte of encoder.encode(unknown)) found.push(byteToken(byte))
      else found.push(unknown)
      unknown = ''
    }
    for (const piece of normalized === '' ? [] : cut(normalized)) {
      if (!known.has(piece)) {
        unknown += piece
        continue
      }
      flush()
      found.push(piece)
    }
    flush()
    return found
  }
}

const byteToken = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/** As SentencePiece: characters by its map, spaces by its rules. */
function normalizer(model: SentencePieceModel): (text: string) => string {
  const { charsMap, addDummySpace, spaceAfterWord, removeExtraWhitespaces } = model
  const map = charactersMap(charsMap)
  const [before, after] = addDummySpace ? (spaceAfterWord ? ['', ' '] : [' ', '']) : ['', '']
  return (text) => {
    let normalized = map(text)
    if (removeExtraWhitespaces) normalized = normalized.replace(/ {2,}/g, ' ').replace(/^ | $/g, '')
    return normalized === '' ? '' : `${before}${normalized}${after}`.replaceAll(' ', spaceMark)
  }
}

/** The most probable pieces. */
function unigram(model: SentencePieceModel): Segment {
  // The library wants an unknown token; the empty one is in no text.
  const vocab: Entry[] = [['', 0], ...entriesOf(model)]
  const cut = new Unigram({ type: 'Unigram', vocab, unk_id: 0 }, '')
  return (text) => cut.tokenize(text)
}

function bytePairs({ pieces }: SentencePieceModel): Segment {
  const texts = pieces.map(({ text }) => text)
  const cut = new BPE({ type: 'BPE', vocab: {}, merges: merges(texts), ignore_merges: false })
  return (text) => cut.bpe(text)
}
