import { SLOTS, SUBJECTS, TEMPLATES } from './grammar.mjs'

/**
 * A seeded random number generator (mulberry32), so that the corpus is the same on every machine.
 * @param {number} seed
 * @returns {() => number} numbers in [0, 1)
 */
export function randomNumbers(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/**
 * Shuffles a copy of a list (Fisher–Yates).
 * @template T
 * @param {readonly T[]} items
 * @param {() => number} random
 * @returns {T[]}
 */
export function shuffled(items, random) {
  const copy = [...items]
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[copy[last], copy[other]] = [copy[other], copy[last]]
  }
  return copy
}

const pick = (items, random) => items[Math.floor(random() * items.length)]

/**
 * Composes sentences from the grammar. One in three quality words comes from `adjectives`, so that the sentences reach
 * beyond the words of the grammar.
 * @param {{ count: number, seed: number, adjectives: readonly string[] }} options
 * @returns {string[]} distinct sentences
 */
export function composeSentences({ count, seed, adjectives }) {
  const random = randomNumbers(seed)
  const sentences = new Set()
  while (sentences.size < count) {
    const topic = pick(SUBJECTS, random)
    const clause = () =>
      pick(TEMPLATES, random).replace(/\{(\w+)\}/g, (_, slot) => {
        if (slot === 'quality' && random() < 1 / 3) return pick(adjectives, random)
        return pick(SLOTS[slot === 'subject' ? topic : slot], random)
      })
    const text =
      random() < 0.3
        ? `${clause()}${pick(['. ', ', and ', ', but ', ' because ', '! '], random)}${clause()}`
        : clause()
    sentences.add(text + pick(['.', '.', '.', '!', ''], random))
  }
  return [...sentences]
}
