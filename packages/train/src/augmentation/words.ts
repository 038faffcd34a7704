import { isBlank } from './characters'
import { segmentsOf } from './segments'

/** A text in pieces, in their order: words, and what is between them. */
export interface WordedText {
  readonly pieces: string[]
  /** Places of the words among the pieces. */
  readonly words: readonly number[]
}

const segmenter = /* @__PURE__ */ new Intl.Segmenter('en', { granularity: 'word' })

/** Finds the words by the rules of Unicode, also where no spaces are between them. */
export function wordsOf(text: string): WordedText {
  const segments = segmentsOf(text, segmenter)
  return {
    pieces: segments.map(({ segment }) => segment),
    words: segments.flatMap(({ isWordLike }, place) => (isWordLike === true ? [place] : [])),
  }
}

/** How many words EDA changes: a share of them, at least one; none for a share of 0. */
export function changesOf(alpha: number, words: number): number {
  return alpha === 0 ? 0 : Math.max(1, Math.floor(alpha * words))
}

/** The text without some pieces, and without the space that would be left over beside each. */
export function withoutPieces(pieces: readonly string[], removed: ReadonlySet<number>): string {
  const kept: string[] = []
  for (let place = 0; place < pieces.length; place++) {
    if (!removed.has(place)) kept.push(pieces[place]!)
    else if (isSpace(pieces[place + 1])) place++
    else if (isSpace(kept.at(-1))) kept.pop()
  }
  return kept.join('')
}

const isSpace = (piece: string | undefined) => piece !== undefined && isBlank(piece)

/** A word written as another one is: "Film" as "Movie", "FILM" as "MOVIE". */
export function withCaseOf(model: string, word: string): string {
  const [first = ''] = model
  if (first === first.toLowerCase()) return word
  if (model.length > 1 && model === model.toUpperCase()) return word.toUpperCase()
  const [initial = ''] = word
  return initial.toUpperCase() + word.slice(initial.length)
}
