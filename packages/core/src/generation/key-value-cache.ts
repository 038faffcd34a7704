import type { HostTensor } from '@tfx/common'

/** The keys and values of every layer for sequences in progress. */
export interface KeyValueCache {
  /** One tensor for each array, float32 [rows, heads, capacity, head size]: live, with room behind the tokens. */
  tensors(): HostTensor[]
  /**
   * The mask of the tensors' columns and of new ones behind them.
   *
   * @param open The mask of the new ones, [rows, tokens]; 1 = token, 0 = padding.
   * @returns int32 [rows, capacity + tokens]
   */
  mask(open: Int32Array): HostTensor
  /**
   * Adds tokens behind those that are there.
   *
   * @param arrays One for each array of the cache, [rows, heads, tokens, head size].
   * @param mask [rows, tokens]; 1 = token, 0 = padding.
   */
  append(arrays: readonly Float32Array[], mask: Int32Array): void
  /** Makes row i a copy of what was row `rows[i]`. */
  select(rows: Int32Array): void
}

/** Columns are added in steps: attending to some masked ones costs less than moving all of them for each token. */
const step = 32

/** The arrays of a cache, and of which row of the first tokens (the prompts) each row is the continuation. */
interface Buffers {
  readonly arrays: Float32Array<ArrayBuffer>[]
  origins: Int32Array<ArrayBuffer>
}

/** An empty cache of some arrays (the keys and the values of each layer), with `heads · headSize` numbers a token. */
export function createKeyValueCache(
  promptRows: number,
  { arrays: count, heads, headSize }: { arrays: number; heads: number; headSize: number },
): KeyValueCache {
  let rows = promptRows
  let capacity = 1
  let length = 0
  let promptLength = 0
  let masks = new Int32Array(rows)
  const allocate = (): Buffers => ({
    arrays: Array.from({ length: count }, () => new Float32Array(rows * heads * capacity * headSize)),
    origins: new Int32Array(rows).fill(-1),
  })
  let current = allocate()
  current.origins = Int32Array.from({ length: rows }, (_, row) => row)
  // Rows are gathered from one set of buffers into the other.
  let spare: Buffers | undefined

  function grow(tokens: number): void {
    const before = capacity
    capacity = Math.ceil((length + tokens) / step) * step
    const larger = allocate()
    larger.origins = current.origins
    larger.arrays.forEach((to, index) => {
      const from = current.arrays[index]!
      for (let head = 0; head < rows * heads; head++) {
        const start = head * before * headSize
        to.set(from.subarray(start, start + length * headSize), head * capacity * headSize)
      }
    })
    masks = gathered(masks, { rows, before, after: capacity })
    current = larger
    spare = undefined
  }

  /** Copies the columns from `start` on of some rows; a head's columns lie side by side. */
  function copyRow(target: Buffers, [source, row, start]: readonly [number, number, number]): void {
    for (let index = 0; index < count; index++) {
      const [from, to] = [current.arrays[index]!, target.arrays[index]!]
      for (let head = 0; head < heads; head++) {
        const offset = ((source * heads + head) * capacity + start) * headSize
        const end = offset + (length - start) * headSize
        to.set(from.subarray(offset, end), ((row * heads + head) * capacity + start) * headSize)
      }
    }
  }

  return {
    tensors: () =>
      current.arrays.map((data) => ({ dtype: 'float32', shape: [rows, heads, capacity, headSize], data })),
    mask(open) {
      const tokens = open.length / rows
      const width = capacity + tokens
      const data = gathered(masks, { rows, before: capacity, after: width })
      for (let row = 0; row < rows; row++) {
        data.set(open.subarray(row * tokens, (row + 1) * tokens), row * width + capacity)
      }
      return { dtype: 'int32', shape: [rows, width], data }
    },
    append(added, mask) {
      const tokens = mask.length / rows
      if (length + tokens > capacity) grow(tokens)
      const size = tokens * headSize
      added.forEach((from, index) => {
        const to = current.arrays[index]!
        for (let head = 0; head < rows * heads; head++) {
          to.set(from.subarray(head * size, (head + 1) * size), (head * capacity + length) * headSize)
        }
      })
      for (let row = 0; row < rows; row++) {
        masks.set(mask.subarray(row * tokens, (row + 1) * tokens), row * capacity + length)
      }
      length += tokens
      promptLength ||= tokens
    },
    select(sources) {
      if (sources.length === rows && sources.every((source, row) => source === row)) return
      if (sources.length !== rows) spare = undefined
      rows = sources.length
      const target = spare ?? allocate()
      const origins = sources.map((source) => current.origins[source]!)
      sources.forEach((source, row) => {
        // What continues the same prompt as before has its columns already.
        const start = target.origins[row] === origins[row] ? promptLength : 0
        copyRow(target, [source, row, start])
      })
      masks = gathered(masks, { rows, before: capacity, after: capacity, sources })
      target.origins = origins
      spare = sources.length === current.origins.length ? current : undefined
      current = target
    },
  }
}

/** Rows of `before` columns as rows of `after` columns, perhaps in another order. */
function gathered(
  from: Int32Array,
  { rows, before, after, sources }: { rows: number; before: number; after: number; sources?: Int32Array },
): Int32Array<ArrayBuffer> {
  const to = new Int32Array(rows * after)
  for (let row = 0; row < rows; row++) {
    const source = sources ? sources[row]! : row
    to.set(from.subarray(source * before, (source + 1) * before), row * after)
  }
  return to
}
