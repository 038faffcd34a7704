import type { GenerationConfig } from './generation-config'

/** A word that must be written: the ways to write it, each as tokens. */
export type ForcedWord = readonly (readonly number[])[]

/** The words of a configuration, each as the ways to write it. */
export const forcedWords = ({ forceWordsIds = [] }: Pick<GenerationConfig, 'forceWordsIds'>): ForcedWord[] =>
  forceWordsIds.map((word) =>
    typeof word[0] === 'number' ? [word as readonly number[]] : (word as readonly (readonly number[])[]),
  )

/** How much of the words that must be written a sequence has. */
export interface WordsProgress {
  /** Words that are written. */
  readonly written: number
  /** The word that is being written, and its tokens so far; another one must wait. */
  readonly current?: { readonly word: ForcedWord; readonly tokens: readonly number[] }
  /** Words of which nothing is written yet, in the order in which they are tried. */
  readonly pending: readonly ForcedWord[]
}

/** Before anything is written. */
export const noProgress = (words: readonly ForcedWord[]): WordsProgress => ({ written: 0, pending: words })

/** Whether every word is written. */
export const isComplete = ({ current, pending }: WordsProgress): boolean =>
  current === undefined && pending.length === 0

/** The tokens that go on with the current word; if there is none, those that begin one. Some may come twice. */
export const wantedTokens = ({ current, pending }: WordsProgress): number[] =>
  current ? nextTokens(current.word, current.tokens) : pending.flatMap((word) => nextTokens(word, []))

/** After one more token. A word that is broken off starts anew, behind the others. */
export function afterToken(progress: WordsProgress, token: number): WordsProgress {
  const { written, current, pending } = progress
  if (current) {
    if (nextTokens(current.word, current.tokens).includes(token)) {
      return withWord({ written, pending }, current.word, [...current.tokens, token])
    }
    return { written, pending: [...pending, current.word] }
  }
  const place = pending.findIndex((word) => nextTokens(word, []).includes(token))
  if (place < 0) return progress
  return withWord({ written, pending: pending.toSpliced(place, 1) }, pending[place]!, [token])
}

/**
 * The bank that a sequence belongs to (Post & Vilar 2018, arXiv:1804.06609): sequences compete with those that have
 * as much of the words.
 *
 * @param longest Tokens of the longest way to write any word.
 */
export function bankOf({ written, current }: WordsProgress, longest: number): number {
  const begun = current ? longest - (longestOf(current.word) - current.tokens.length) : 0
  return written * longest + begun
}

/** Tokens of the longest way to write a word. */
export const longestOf = (word: ForcedWord): number => Math.max(...word.map((tokens) => tokens.length))

function withWord(
  rest: Pick<WordsProgress, 'written' | 'pending'>,
  word: ForcedWord,
  tokens: readonly number[],
): WordsProgress {
  const isWritten = nextTokens(word, tokens).length === 0
  return isWritten ? { ...rest, written: rest.written + 1 } : { ...rest, current: { word, tokens } }
}

/** Each token once that comes behind `before` in a way to write the word. */
function nextTokens(word: ForcedWord, before: readonly number[]): number[] {
  const going = word.filter(
    (tokens) => tokens.length > before.length && before.every((token, at) => tokens[at] === token),
  )
  return [...new Set(going.map((tokens) => tokens[before.length]!))]
}
