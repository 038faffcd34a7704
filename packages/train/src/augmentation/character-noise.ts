import { nameWith, type TextAugmentation } from './augmentation'
import { type CharacterNoiseOptions, characterNoise, charactersOf, isBlank, pick } from './characters'
import { checkShares } from './check'

/** Options of noise that adds characters. */
export interface NewCharactersOptions extends CharacterNoiseOptions {
  /** What new characters are drawn from. Default: the letters and digits of the text itself, whatever its script. */
  readonly alphabet?: string
}

/**
 * Swaps neighbouring characters: "film" → "fiml". White space stays, and no character moves twice.
 * Characters are what people see as one (graphemes), so that no accent and no emoji breaks.
 *
 * @throws ArgumentError on a rate outside 0 to 1.
 */
export function characterSwap(options: CharacterNoiseOptions = {}): TextAugmentation {
  const { rate = 0.05 } = options
  checkShares('characterSwap', { rate })
  return {
    name: nameWith('characterSwap', options),
    apply(text, random) {
      const characters = charactersOf(text)
      for (let place = 0; place + 1 < characters.length; place++) {
        const [first, second] = [characters[place]!, characters[place + 1]!]
        if (isBlank(first) || isBlank(second) || random.next() >= rate) continue
        characters[place] = second
        characters[++place] = first
      }
      return characters.join('')
    },
  }
}

/**
 * Puts a random character behind some characters: "film" → "filmi".
 *
 * @throws ArgumentError on a rate outside 0 to 1.
 */
export function characterInsertion(options: NewCharactersOptions = {}): TextAugmentation {
  const newCharacters = alphabetOf(options)
  return characterNoise('characterInsertion', options, (characters) => {
    const alphabet = newCharacters(characters)
    return (character, random) => (alphabet.length === 0 ? character : character + pick(alphabet, random))
  })
}

/**
 * Leaves characters out: "film" → "flm". A text of which nothing would be left stays as it is.
 *
 * @throws ArgumentError on a rate outside 0 to 1.
 */
export function characterDeletion(options: CharacterNoiseOptions = {}): TextAugmentation {
  const { name, apply } = characterNoise('characterDeletion', options, () => () => '')
  return {
    name,
    apply(text, random) {
      const shorter = apply(text, random)
      return isBlank(shorter) ? text : shorter
    },
  }
}

/**
 * Replaces characters by random others: "film" → "fimm".
 *
 * @throws ArgumentError on a rate outside 0 to 1.
 */
export function characterSubstitution(options: NewCharactersOptions = {}): TextAugmentation {
  const newCharacters = alphabetOf(options)
  return characterNoise('characterSubstitution', options, (characters) => {
    const alphabet = newCharacters(characters)
    return (character, random) => {
      const others = alphabet.filter((other) => other !== character)
      return others.length === 0 ? character : pick(others, random)
    }
  })
}

/**
 * Turns small letters into capitals and the other way round: "film" → "fiLm". Letters without a counterpart of the same
 * length, such as ß, stay.
 *
 * @throws ArgumentError on a rate outside 0 to 1.
 */
export function caseNoise(options: CharacterNoiseOptions = {}): TextAugmentation {
  return characterNoise('caseNoise', options, () => (character) => {
    const [upper, lower] = [character.toUpperCase(), character.toLowerCase()]
    const isPair = upper.toLowerCase() === lower && lower.toUpperCase() === upper
    if (!isPair) return character
    return character === lower ? upper : lower
  })
}

/** The different characters that may be added to a text. */
function alphabetOf({
  alphabet,
}: NewCharactersOptions): (characters: readonly string[]) => readonly string[] {
  const given = alphabet === undefined ? undefined : [...new Set(charactersOf(alphabet))]
  return (characters) =>
    given ?? [...new Set(characters)].filter((character) => /[\p{L}\p{N}]/u.test(character))
}
