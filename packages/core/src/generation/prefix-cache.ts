import type { KeyValueCache } from './key-value-cache'

/** A sequence whose keys and values are still there. */
export interface CachedSequence {
  /** The tokens that the cache holds. */
  readonly ids: readonly number[]
  /** Of one row, without padding. */
  readonly cache: KeyValueCache
}

/** Sequences that ended, for those which begin alike: the next turn of a dialogue begins with the turns before it. */
export interface PrefixCache {
  /**
   * Takes out the sequence that a prompt has most of in common with, cut to what they share; at least the prompt's last
   * token is left to be read. Undefined if none shares more than a few tokens.
   */
  take(prompt: ArrayLike<number>): CachedSequence | undefined
  /** Remembers a sequence, and forgets the one that is there longest if there are too many. */
  put(sequence: CachedSequence): void
  clear(): void
}

/** Below so many tokens reading anew costs about as much. */
const leastShared = 8

/**
 * @param limit How many sequences to remember; each holds the keys and values of all its tokens.
 * @param inFront How many columns each cache has in front of them, a learned prompt's. Default 0.
 */
export function createPrefixCache(limit: number, inFront = 0): PrefixCache {
  let sequences: CachedSequence[] = []
  return {
    take(prompt) {
      let [best, length] = [undefined as CachedSequence | undefined, leastShared - 1]
      for (const sequence of sequences) {
        const shared = sharedLength(sequence.ids, prompt)
        if (shared > length) [best, length] = [sequence, shared]
      }
      if (best === undefined) return undefined
      sequences = sequences.filter((sequence) => sequence !== best)
      best.cache.keep(inFront + length)
      return { ids: best.ids.slice(0, length), cache: best.cache }
    },
    put(sequence) {
      sequences = [...sequences, sequence].slice(Math.max(0, sequences.length + 1 - limit))
    },
    clear() {
      sequences = []
    },
  }
}

function sharedLength(ids: readonly number[], prompt: ArrayLike<number>): number {
  const most = Math.min(ids.length, prompt.length - 1)
  let length = 0
  while (length < most && ids[length] === prompt[length]) length++
  return length
}
