import { nameWith, type TextAugmentation } from './augmentation'
import { checkShares } from './check'
import { changesOf, withoutPieces, wordsOf } from './words'

/** Options of noise by word. */
export interface WordNoiseOptions {
  /** The share of the words that is changed. Default 0.1, that of EDA. */
  readonly alpha?: number
}

/**
 * Swaps two random words, max(1, ⌊α · words⌋) times; what is between the words stays: the random swap of EDA
 * (https://arxiv.org/abs/1901.11196). A text of fewer than two words stays as it is.
 *
 * @throws ArgumentError if `alpha` is not from 0 to 1.
 */
export function wordSwap(options: WordNoiseOptions = {}): TextAugmentation {
  const { alpha = 0.1 } = options
  checkShares('wordSwap', { alpha })
  return {
    name: nameWith('wordSwap', options),
    apply(text, random) {
      const { pieces, words } = wordsOf(text)
      if (words.length < 2) return text
      for (let left = changesOf(alpha, words.length); left > 0; left--) {
        const first = random.integer(words.length)
        const other = random.integer(words.length - 1)
        const [a, b] = [words[first]!, words[other < first ? other : other + 1]!]
        const held = pieces[a]!
        pieces[a] = pieces[b]!
        pieces[b] = held
      }
      return pieces.join('')
    },
  }
}

/**
 * Leaves out each word with the probability α, and the space beside it: the random deletion of EDA. One word always
 * stays.
 *
 * @throws ArgumentError if `alpha` is not from 0 to 1.
 */
export function wordDeletion(options: WordNoiseOptions = {}): TextAugmentation {
  const { alpha = 0.1 } = options
  checkShares('wordDeletion', { alpha })
  return {
    name: nameWith('wordDeletion', options),
    apply(text, random) {
      const { pieces, words } = wordsOf(text)
      if (words.length < 2) return text
      const removed = new Set(words.filter(() => random.next() < alpha))
      if (removed.size === words.length) removed.delete(words[random.integer(words.length)]!)
      return removed.size === 0 ? text : withoutPieces(pieces, removed)
    },
  }
}
