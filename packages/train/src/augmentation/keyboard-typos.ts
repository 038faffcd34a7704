import type { TextAugmentation } from './augmentation'
import { type CharacterNoiseOptions, characterNoise, pick } from './characters'

/** Options of {@link keyboardTypos}. */
export interface KeyboardTyposOptions extends CharacterNoiseOptions {
  /** Default `qwerty`. */
  readonly layout?: KeyboardLayout
}

/** Which keys lie side by side. */
export type KeyboardLayout = 'qwerty' | 'qwertz' | 'azerty'

/** The rows of keys, and how far each is to the right of the first, in keys. */
const layouts: Readonly<Record<KeyboardLayout, readonly string[]>> = {
  qwerty: ['1234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'],
  qwertz: ['1234567890', 'qwertzuiopü', 'asdfghjklöä', 'yxcvbnm'],
  azerty: ['1234567890', 'azertyuiop', 'qsdfghjklm', 'wxcvbn'],
}
const offsets = [0, 0.5, 0.75, 1.25]

/**
 * Hits the key beside the right one: "film" → "fikm". Case is kept; characters that have no key of their own stay.
 *
 * @throws ArgumentError on a rate outside 0 to 1.
 */
export function keyboardTypos(options: KeyboardTyposOptions = {}): TextAugmentation {
  const neighbours = neighboursOn(layouts[options.layout ?? 'qwerty'])
  return characterNoise('keyboardTypos', options, () => (character, random) => {
    const lower = character.toLowerCase()
    const beside = neighbours.get(lower)
    if (beside === undefined) return character
    const hit = pick(beside, random)
    return character === lower ? hit : hit.toUpperCase()
  })
}

/** The keys that touch each key: less than one and a quarter of a key away, in its row and the rows beside it. */
function neighboursOn(rows: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const keys = rows.flatMap((row, y) =>
    Array.from(row, (character, column) => ({ character, x: column + offsets[y]!, y })),
  )
  return new Map(
    keys.map(({ character, x, y }) => {
      const beside = keys.filter(
        (key) =>
          key.character !== character && Math.abs(key.y - y) <= 1 && Math.hypot(key.x - x, key.y - y) < 1.26,
      )
      return [character, beside.map((key) => key.character)]
    }),
  )
}
