import type { Random } from '@tfx/common'
import { nameWith, type TextAugmentation } from './augmentation'
import { pick } from './characters'
import { checkShares } from './check'
import { englishStopWords } from './stop-words'
import { changesOf, withCaseOf, type WordedText, wordsOf } from './words'
import type { WordNoiseOptions } from './word-noise'

/** Other words for a word in small letters; none if it has none. `loadWordNet` gives one for English. */
export type Synonyms = (word: string) => readonly string[]

/** Options of augmentations with synonyms. */
export interface SynonymOptions extends WordNoiseOptions {
  readonly synonyms: Synonyms
  /** Words in small letters that have no synonyms worth having. Default: those of EDA, which are NLTK's for English. */
  readonly stopWords?: ReadonlySet<string>
}

/**
 * Replaces max(1, ⌊α · words⌋) different words by a synonym each, at all their places: the synonym replacement of EDA
 * (https://arxiv.org/abs/1901.11196). Capitals are kept.
 *
 * @throws ArgumentError if `alpha` is not from 0 to 1.
 *
 * @example
 * ```ts
 * const replacement = synonymReplacement({ synonyms: await loadWordNet() })
 * augmentText(replacement, 'A happy film') // 'A happy picture'
 * ```
 */
export function synonymReplacement(options: SynonymOptions): TextAugmentation {
  const { alpha = 0.1 } = options
  checkShares('synonymReplacement', { alpha })
  return {
    name: nameWith('synonymReplacement', options),
    apply(text, random) {
      const worded = wordsOf(text)
      let left = changesOf(alpha, worded.words.length)
      for (const { places, synonyms } of replaceable(worded, options, random)) {
        if (left-- === 0) break
        const synonym = pick(synonyms, random)
        for (const place of places) worded.pieces[place] = withCaseOf(worded.pieces[place]!, synonym)
      }
      return worded.pieces.join('')
    },
  }
}

/**
 * Puts a synonym of a random word at a random place, max(1, ⌊α · words⌋) times: the random insertion of EDA.
 *
 * @throws ArgumentError if `alpha` is not from 0 to 1.
 */
export function synonymInsertion(options: SynonymOptions): TextAugmentation {
  const { alpha = 0.1 } = options
  checkShares('synonymInsertion', { alpha })
  return {
    name: nameWith('synonymInsertion', options),
    apply(text, random) {
      const worded = wordsOf(text)
      const { words } = worded
      const longer = [...worded.pieces]
      const last = words.at(-1)
      const found = [...replaceable(worded, options, random)]
      if (found.length === 0 || last === undefined) return text
      for (let left = changesOf(alpha, words.length); left > 0; left--) {
        const synonym = pick(pick(found, random).synonyms, random)
        // Before one of the words, or behind the last.
        const place = words[random.integer(words.length + 1)]
        if (place === undefined) longer[last] += ` ${synonym}`
        else longer[place] = `${synonym} ${longer[place]!}`
      }
      return longer.join('')
    },
  }
}

/** The different words that have synonyms, in random order, each with its places among the pieces. */
function* replaceable(
  { pieces, words }: WordedText,
  { synonyms, stopWords = englishStopWords }: SynonymOptions,
  random: Random,
): Generator<{ places: readonly number[]; synonyms: readonly string[] }> {
  const placesOf = new Map<string, number[]>()
  for (const place of words) {
    const word = pieces[place]!.toLowerCase()
    if (stopWords.has(word)) continue
    const places = placesOf.get(word)
    if (places === undefined) placesOf.set(word, [place])
    else places.push(place)
  }
  for (const [word, places] of random.shuffle([...placesOf])) {
    const found = synonyms(word)
    if (found.length > 0) yield { places, synonyms: found }
  }
}
