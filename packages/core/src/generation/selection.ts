/**
 * The `count` largest of a stream of numbers, by a heap of that size: the vocabulary is read once and never
 * sorted. Ties go to the earlier index.
 */
export interface Selection {
  /** Forgets everything. */
  clear(): void
  /** Offers `values[i] + bias` (rounded to float32) as entry `firstIndex + i`, for every i. */
  scan(values: Float32Array, firstIndex?: number, bias?: number): void
  /** What was found, largest first, with its values; at most `count`. Empties the selection. */
  take(): { indices: number[]; values: number[] }
}

/** @param count How many to keep, at least 1. */
export function createSelection(count: number): Selection {
  const values = new Float32Array(count)
  const indices = new Int32Array(count)
  let size = 0

  // The root of the heap is the entry to give up first: the smallest, of equals the latest.
  const worse = (a: number, b: number) => {
    const left = values[a]!
    const right = values[b]!
    return left < right || (left === right && indices[a]! > indices[b]!)
  }
  const swap = (a: number, b: number) => {
    const value = values[a]!
    const index = indices[a]!
    values[a] = values[b]!
    indices[a] = indices[b]!
    values[b] = value
    indices[b] = index
  }
  const siftUp = () => {
    for (let at = size - 1; at > 0;) {
      const parent = (at - 1) >> 1
      if (!worse(at, parent)) return
      swap(at, parent)
      at = parent
    }
  }
  const siftDown = () => {
    for (let at = 0; ;) {
      let worst = at
      const child = 2 * at + 1
      if (child < size && worse(child, worst)) worst = child
      if (child + 1 < size && worse(child + 1, worst)) worst = child + 1
      if (worst === at) return
      swap(at, worst)
      at = worst
    }
  }
  return {
    clear() {
      size = 0
    },
    scan(row, firstIndex = 0, bias = 0) {
      let at = 0
      for (; size < count && at < row.length; at++) {
        values[size] = row[at]! + bias
        indices[size] = firstIndex + at
        size++
        siftUp()
      }
      let threshold = values[0]!
      for (; at < row.length; at++) {
        const value = Math.fround(row[at]! + bias)
        if (value > threshold) {
          values[0] = value
          indices[0] = firstIndex + at
          siftDown()
          threshold = values[0]
        }
      }
    },
    take() {
      const found = { indices: new Array<number>(size), values: new Array<number>(size) }
      while (size > 0) {
        found.indices[size - 1] = indices[0]!
        found.values[size - 1] = values[0]!
        swap(0, --size)
        siftDown()
      }
      return found
    },
  }
}

/**
 * Visits indices by descending key until the visitor has enough, and returns those it visited. It selects
 * more and more of the largest keys, so a few leaders of a large vocabulary cost no sorting of the rest.
 *
 * @param enough Called with each index in turn; true ends the visit (that index is part of the result).
 */
export function leaders(keys: Float32Array, enough: (index: number) => boolean): number[] {
  for (let count = 64, seen = 0; ; count *= 8) {
    const selection = createSelection(Math.min(count, keys.length))
    selection.scan(keys)
    const { indices } = selection.take()
    for (; seen < indices.length; seen++) {
      if (enough(indices[seen]!)) return indices.slice(0, seen + 1)
    }
    if (seen === keys.length) return indices
  }
}
