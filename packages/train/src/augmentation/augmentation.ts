import type { Random } from '@tfx/common'

/**
 * A change of one text: a pure function, the same for the same text and random numbers.
 *
 * @example
 * ```ts
 * const shout: TextAugmentation = { name: 'shout', apply: (text) => text.toUpperCase() }
 * ```
 */
export interface TextAugmentation {
  /** What it is and with which settings; part of what tells one run from another when it is resumed. */
  readonly name: string
  readonly apply: (text: string, random: Random) => string
}

/** A change of many texts at once, for what takes its time and is faster together, such as translation. */
export interface BatchAugmentation {
  readonly name: string
  /** One text for each text that came, made with the random numbers of the same place. */
  readonly applyAll: (texts: readonly string[], randoms: readonly Random[]) => Promise<readonly string[]>
}

/** Changes texts at random and keeps what they mean, so that a model sees more than it was given. */
export type Augmentation = TextAugmentation | BatchAugmentation

/** Whether an augmentation changes each text by itself, at once. */
export function isTextAugmentation(augmentation: Augmentation): augmentation is TextAugmentation {
  return 'apply' in augmentation
}

/** The name of an augmentation with the settings that it was given: `wordSwap({"alpha":0.2})`. */
export function nameWith(name: string, settings: object): string {
  const text = JSON.stringify(settings, (_, value: unknown) => {
    if (typeof value === 'function') return value.name
    return value instanceof Set ? Array.from(value) : value
  })
  return text === '{}' ? name : `${name}(${text})`
}
