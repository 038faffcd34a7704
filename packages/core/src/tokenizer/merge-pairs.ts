/** A word in pieces, and how often it occurs. The pieces change while pairs are merged. */
export interface CountedWord {
  pieces: number[]
  readonly count: number
}

/** Two pieces that become one. */
export type Merge = readonly [left: number, right: number]

/** Options of {@link mergePairs}. */
export interface MergeOptions {
  /** How many merges at most. */
  readonly merges: number
  /** Pairs that occur less often stay apart. */
  readonly minFrequency: number
  /** The id of the piece that a merge makes. */
  readonly idOf: (merge: Merge) => number
}

/** Ids are below it, so that two of them fit into one number. */
const base = 2 ** 26

interface Entry {
  readonly count: number
  readonly key: number
}

/**
 * Merges the most frequent pair of neighbours again and again (byte pair encoding,
 * [Sennrich et al. 2016](https://arxiv.org/abs/1508.07909)), as the trainer of Hugging Face `tokenizers`: of pairs that
 * are as frequent, the one of smaller ids.
 *
 * @returns The merges in their order.
 */
export function mergePairs(
  words: readonly CountedWord[],
  { merges, minFrequency, idOf }: MergeOptions,
): Merge[] {
  const counts = new Map<number, number>()
  const places = new Map<number, Set<CountedWord>>()
  const heap = createHeap()
  const count = (word: CountedWord, sign: 1 | -1, changed: Set<number>) => {
    for (let at = 1; at < word.pieces.length; at++) {
      const key = word.pieces[at - 1]! * base + word.pieces[at]!
      counts.set(key, (counts.get(key) ?? 0) + sign * word.count)
      if (sign > 0) places.set(key, (places.get(key) ?? new Set<CountedWord>()).add(word))
      changed.add(key)
    }
  }
  const update = (changed: ReadonlySet<number>) => {
    for (const key of changed) {
      const left = counts.get(key)!
      if (left > 0) heap.push({ count: left, key })
      else counts.delete(key)
    }
  }
  const all = new Set<number>()
  for (const word of words) count(word, 1, all)
  update(all)
  const learned: Merge[] = []
  while (learned.length < merges) {
    const best = heap.pop()
    if (best === undefined || best.count < minFrequency) break
    // What was counted before a merge changed it.
    if (counts.get(best.key) !== best.count) continue
    const merge: Merge = [Math.floor(best.key / base), best.key % base]
    const id = idOf(merge)
    learned.push(merge)
    const changed = new Set<number>()
    for (const word of places.get(best.key)!) {
      count(word, -1, changed)
      word.pieces = merged(word.pieces, merge, id)
      count(word, 1, changed)
    }
    counts.delete(best.key)
    places.delete(best.key)
    changed.delete(best.key)
    update(changed)
  }
  return learned
}

function merged(pieces: readonly number[], [left, right]: Merge, id: number): number[] {
  const result: number[] = []
  for (let at = 0; at < pieces.length; at++) {
    const isPair = pieces[at] === left && pieces[at + 1] === right
    result.push(isPair ? id : pieces[at]!)
    if (isPair) at++
  }
  return result
}

const isBefore = (a: Entry, b: Entry) => a.count > b.count || (a.count === b.count && a.key < b.key)

/** A binary heap: the most frequent pair comes first, of equals the one of smaller ids. */
function createHeap(): { push(entry: Entry): void; pop(): Entry | undefined } {
  const entries: Entry[] = []
  return {
    push(entry) {
      let at = entries.length
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!isBefore(entry, entries[parent]!)) break
        entries[at] = entries[parent]!
        at = parent
      }
      entries[at] = entry
    },
    pop() {
      const first = entries[0]
      const last = entries.pop()
      if (last === undefined || entries.length === 0) return first
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= entries.length) break
        if (child + 1 < entries.length && isBefore(entries[child + 1]!, entries[child]!)) child++
        if (!isBefore(entries[child]!, last)) break
        entries[at] = entries[child]!
        at = child
      }
      entries[at] = last
      return first
    },
  }
}
