import type { Random } from '@tfx/common'
import { nameWith, type TextAugmentation } from './augmentation'
import { checkShares } from './check'
import { segmentsOf } from './segments'

/** Options of noise by character. */
export interface CharacterNoiseOptions {
  /** The probability of a change, for each character that can be changed. Default 0.05. */
  readonly rate?: number
}

const graphemes = /* @__PURE__ */ new Intl.Segmenter('en', { granularity: 'grapheme' })

/** What people see as one character each: an accent stays with its letter, an emoji whole. */
export function charactersOf(text: string): string[] {
  return segmentsOf(text, graphemes).map(({ segment }) => segment)
}

/** Whether there is nothing but white space. */
export const isBlank = (text: string): boolean => text.trim() === ''

/** One of several, all equally likely. */
export const pick = <T>(values: readonly T[], random: Random): T => values[random.integer(values.length)]!

/** Changes one character. */
export type CharacterChange = (character: string, random: Random) => string

/**
 * Noise that changes each character but white space by itself, with the same probability.
 *
 * @param begin Called with all characters of a text, for what is the same for each of them.
 * @throws ArgumentError on a rate outside 0 to 1.
 */
export function characterNoise(
  caller: string,
  options: CharacterNoiseOptions,
  begin: (characters: readonly string[]) => CharacterChange,
): TextAugmentation {
  const { rate = 0.05 } = options
  checkShares(caller, { rate })
  return {
    name: nameWith(caller, options),
    apply(text, random) {
      const characters = charactersOf(text)
      const change = begin(characters)
      return characters
        .map((character) =>
          isBlank(character) || random.next() >= rate ? character : change(character, random),
        )
        .join('')
    },
  }
}
