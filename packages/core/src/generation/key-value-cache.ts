import type { HostTensor } from '@tfx/common'

/** Arrays of a cache as a step takes them. */
export interface CacheTensors {
  /** One tensor for each array, float32 [rows, heads, room, head size]: live. */
  readonly tensors: readonly (HostTensor & { readonly data: Float32Array<ArrayBuffer> })[]
  /** int32 [rows, tokens, new ones included]; 1 = token, 0 = padding */
  readonly mask: HostTensor
}

/** What the arrays of a cache are made of. */
export interface CacheSizes {
  /** How many there are: the keys and the values of each layer. */
  readonly arrays: number
  readonly heads: number
  readonly headSize: number
}

/** The keys and values of every layer for sequences in progress. */
export interface KeyValueCache {
  /** How many sequences. */
  readonly rows: number
  /** How many columns are filled. */
  readonly length: number
  /** What it holds. */
  tensors(): CacheTensors
  /**
   * The cache with room for tokens behind those that are there; the step writes them.
   *
   * @param added The mask of the new ones, [rows, tokens]; 1 = token, 0 = padding.
   */
  withRoom(added: Int32Array): CacheTensors
  /** Takes other arrays of the same sizes. */
  replace(arrays: Float32Array<ArrayBuffer>[]): void
  /** Makes row i a copy of what was row `rows[i]`. */
  select(rows: Int32Array): void
  /** Forgets all but the first tokens of each row, which are no more than there are. */
  truncate(tokens: number): void
  /** Another cache with the first tokens of each row, which are no more than there are. */
  copy(tokens: number): KeyValueCache
}

/** Room is added in steps: it costs nothing in attention, and a copy of all that is there. */
const step = 32

/** The arrays of a cache, and of which row of the first tokens (the prompts) each row is the continuation. */
interface Buffers {
  arrays: Float32Array<ArrayBuffer>[]
  origins: Int32Array<ArrayBuffer>
}

/** An empty cache of some arrays (the keys and the values of each layer), with `heads · headSize` numbers a token. */
export function createKeyValueCache(promptRows: number, sizes: CacheSizes): KeyValueCache {
  const { arrays: count, heads, headSize } = sizes
  let rows = promptRows
  let room = 0
  let length = 0
  let promptLength = 0
  let mask = new Int32Array(0)
  const allocate = (origins: Int32Array<ArrayBuffer>): Buffers => ({
    arrays: Array.from({ length: count }, () => new Float32Array(rows * heads * room * headSize)),
    origins,
  })
  let current = allocate(Int32Array.from({ length: rows }, (_, row) => row))
  // Rows are gathered from one set of buffers into the other.
  let spare: Buffers | undefined

  function grow(tokens: number): void {
    const before = room
    room = Math.ceil((length + tokens) / step) * step
    const larger = allocate(current.origins)
    larger.arrays.forEach((to, index) => {
      const from = { data: current.arrays[index]!, room: before }
      copyColumns(from, { data: to, room }, { heads: rows * heads, columns: length, headSize })
    })
    current = larger
    spare = undefined
  }

  /** Copies the columns from `start` on of some rows; a head's columns lie side by side. */
  function copyRow(target: Buffers, [source, row, start]: readonly [number, number, number]): void {
    for (let index = 0; index < count; index++) {
      const [from, to] = [current.arrays[index]!, target.arrays[index]!]
      for (let head = 0; head < heads; head++) {
        const offset = ((source * heads + head) * room + start) * headSize
        const end = offset + (length - start) * headSize
        to.set(from.subarray(offset, end), ((row * heads + head) * room + start) * headSize)
      }
    }
  }

  const tensors = (): CacheTensors => {
    const shape = [rows, heads, room, headSize]
    return {
      tensors: current.arrays.map((data) => ({ dtype: 'float32', shape, data })),
      mask: { dtype: 'int32', shape: [rows, length], data: mask },
    }
  }
  return {
    get rows() {
      return rows
    },
    get length() {
      return length
    },
    tensors,
    withRoom(added) {
      const tokens = added.length / rows
      if (length + tokens > room) grow(tokens)
      mask = besides(mask, added, rows)
      length += tokens
      promptLength ||= tokens
      return tensors()
    },
    replace(arrays) {
      current.arrays = arrays
    },
    select(sources) {
      if (sources.length === rows && sources.every((source, row) => source === row)) return
      if (sources.length !== rows) spare = undefined
      rows = sources.length
      const origins = sources.map((source) => current.origins[source]!)
      const target = spare ?? allocate(new Int32Array(rows).fill(-1))
      const selected = new Int32Array(rows * length)
      sources.forEach((source, row) => {
        // What continues the same prompt as before has its columns already.
        const start = target.origins[row] === origins[row] ? promptLength : 0
        copyRow(target, [source, row, start])
        selected.set(mask.subarray(source * length, (source + 1) * length), row * length)
      })
      mask = selected
      target.origins = Int32Array.from(origins)
      spare = sources.length === current.origins.length ? current : undefined
      current = target
    },
    truncate(tokens) {
      mask = firstColumns(mask, { rows, columns: tokens })
      length = tokens
      promptLength = Math.min(promptLength, tokens)
      spare = undefined
    },
    copy(tokens) {
      const other = createKeyValueCache(rows, sizes)
      const { tensors } = other.withRoom(firstColumns(mask, { rows, columns: tokens }))
      tensors.forEach(({ shape, data }, index) => {
        const from = { data: current.arrays[index]!, room }
        copyColumns(from, { data, room: shape[2]! }, { heads: rows * heads, columns: tokens, headSize })
      })
      return other
    },
  }
}

/** One sequence in a cache. */
export interface CacheRow {
  readonly cache: KeyValueCache
  readonly row: number
}

/** A cache with copies of rows of others, which all end at its last column; padding goes in front of shorter ones. */
export function gatherRows(sources: readonly CacheRow[], sizes: CacheSizes): KeyValueCache {
  const { heads, headSize } = sizes
  const parts = sources.map(({ cache, row }) => {
    const { tensors, mask } = cache.tensors()
    const total = mask.shape[1]!
    const padding = Math.max(0, (mask.data as Int32Array).subarray(row * total, (row + 1) * total).indexOf(1))
    return { row, tensors, padding, tokens: total - padding }
  })
  const length = Math.max(...parts.map(({ tokens }) => tokens))
  const mask = new Int32Array(sources.length * length)
  parts.forEach(({ tokens }, index) => mask.fill(1, (index + 1) * length - tokens, (index + 1) * length))
  const gathered = createKeyValueCache(sources.length, sizes)
  gathered.withRoom(mask).tensors.forEach(({ data: to, shape }, array) => {
    parts.forEach(({ row, tensors, padding, tokens }, index) => {
      const { data: from, shape: before } = tensors[array]!
      for (let head = 0; head < heads; head++) {
        const start = ((row * heads + head) * before[2]! + padding) * headSize
        const target = ((index * heads + head) * shape[2]! + length - tokens) * headSize
        to.set(from.subarray(start, start + tokens * headSize), target)
      }
    })
  })
  return gathered
}

interface Columns {
  readonly data: Float32Array
  readonly room: number
}

/** Copies the first columns of every head into an array of another room. */
function copyColumns(
  from: Columns,
  to: Columns,
  { heads, columns, headSize }: { heads: number; columns: number; headSize: number },
): void {
  for (let head = 0; head < heads; head++) {
    const start = head * from.room * headSize
    to.data.set(from.data.subarray(start, start + columns * headSize), head * to.room * headSize)
  }
}

/** The left part of a matrix. */
function firstColumns(
  from: Int32Array,
  { rows, columns }: { rows: number; columns: number },
): Int32Array<ArrayBuffer> {
  const before = from.length / rows
  const to = new Int32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    to.set(from.subarray(row * before, row * before + columns), row * columns)
  }
  return to
}

/** Two matrices of some rows, side by side. */
function besides(left: Int32Array, right: Int32Array, rows: number): Int32Array<ArrayBuffer> {
  const widths = [left.length / rows, right.length / rows] as const
  const to = new Int32Array(left.length + right.length)
  for (let row = 0; row < rows; row++) {
    const start = row * (widths[0] + widths[1])
    to.set(left.subarray(row * widths[0], (row + 1) * widths[0]), start)
    to.set(right.subarray(row * widths[1], (row + 1) * widths[1]), start + widths[0])
  }
  return to
}
