import { ArgumentError, EngineError, sizeOf } from '@tfx/common'
import type { NarrowType } from '@tfx/compiler'
import type { MemoryBlock, MemoryStore, Slot, SlotSpec, StoreOptions } from './engine'
import { narrowBytes, type NarrowNumbers, readNarrow, writeNarrow } from './narrow-numbers'
import { normalizeSlots } from './slot-specs'
import { addSparseRows, type SparseRows } from './sparse-rows'

const pageSize = 65536
// A WebAssembly memory holds 4 GiB at most; larger models take several.
const largestMemory = 65535 * pageSize
// Rows of AVX-512 registers and of cache lines start here.
const alignment = 64

const align = (bytes: number) => Math.ceil(bytes / alignment) * alignment

/**
 * Allocates parameters, and whatever belongs to each of them, in WebAssembly memory.
 *
 * @param options `narrow`, see the type; `memoryLimit`: the most bytes to put into one memory, by default what WebAssembly
 *   allows, 4 GiB less a page.
 * @throws ArgumentError if one parameter with its slots is larger than a memory can be.
 * @throws EngineError if the machine has not enough memory.
 */
export function createMemoryStore(
  shapes: Readonly<Record<string, readonly number[]>>,
  extraSlots: readonly SlotSpec[] = [],
  { narrow = {}, memoryLimit = largestMemory }: StoreOptions & { memoryLimit?: number } = {},
): MemoryStore {
  const specs = normalizeSlots(['value', ...extraSlots])
  const slots = specs.map(({ name }) => name)
  const blocks = allocate(shapes, { slots: specs, narrow, limit: memoryLimit })
  const block = (name: string) => blocks.get(name) ?? unknownName('parameter', name, [...blocks.keys()])
  const view = (name: string, slot = 'value') => {
    const { memory, lengths, offsets, narrow } = block(name)
    if (slot === 'value' && narrow !== undefined) throw noView(name, narrow.type)
    const offset = offsets[slot] ?? unknownName('slot', slot, slots)
    return new Float32Array(memory.buffer, offset, lengths[slot])
  }
  const narrowValue = (name: string) => narrowNumbers(block(name))
  return {
    kind: 'memory',
    shapes,
    slots,
    block,
    view,
    narrow: narrowValue,
    async read(name, slot = 'value') {
      const kept = slot === 'value' ? narrowValue(name) : undefined
      return kept ? readNarrow(kept) : view(name, slot).slice()
    },
    write(name, data, slot = 'value') {
      const kept = slot === 'value' ? narrowValue(name) : undefined
      if (kept) {
        checkLength(name, data, kept.values.length)
        writeNarrow(kept, data)
        return
      }
      const target = view(name, slot)
      checkLength(name, data, target.length)
      target.set(data)
      if (slot === 'gradient') writtenRows.delete(block(name))
    },
    dispose: () => blocks.clear(),
  }
}

/** A parameter's place with that of its value, if it is kept in fewer bits. */
interface Block extends MemoryBlock {
  readonly narrow?: {
    readonly type: NarrowType
    readonly values: number
    readonly scales: number
    readonly rows: number
  }
}

function narrowNumbers({ memory: { buffer }, length, narrow }: Block): NarrowNumbers | undefined {
  if (narrow === undefined) return undefined
  const { type, values, scales, rows } = narrow
  if (type === 'float16') return { type, values: new Uint16Array(buffer, values, length) }
  return {
    type,
    values: new Int8Array(buffer, values, length),
    scales: new Float32Array(buffer, scales, rows),
  }
}

/**
 * What a parameter's gradient slot holds besides zeros: the rows that a sparse gradient wrote last.
 * No entry: unknown, so that all of it must be cleared.
 */
const writtenRows = new WeakMap<MemoryBlock, Int32Array>()

/** To be called when a dense gradient is about to be written to the slot. */
export function startDenseGradient(store: MemoryStore, name: string): void {
  writtenRows.delete(store.block(name))
}

/** Makes the gradient slot zero. */
export function clearGradient(store: MemoryStore, name: string): void {
  store.view(name, 'gradient').fill(0)
  writtenRows.set(store.block(name), new Int32Array(0))
}

/**
 * Makes the gradient slot the sum of some rows and zero elsewhere; it touches no more of a large
 * table than it must.
 */
export function writeSparseGradient(store: MemoryStore, name: string, sparse: SparseRows): void {
  const block = store.block(name)
  const stale = writtenRows.get(block)
  writtenRows.delete(block)
  addSparseRows(store.view(name, 'gradient'), { ...sparse, stale })
  writtenRows.set(block, sparse.ids)
}

/** Lays the slots of each parameter side by side, filling one memory after the other. */
function allocate(
  shapes: Readonly<Record<string, readonly number[]>>,
  { slots, narrow, limit }: { slots: readonly Slot[]; narrow: StoreOptions['narrow'] & {}; limit: number },
): Map<string, Block> {
  const blocks = new Map<string, Block>()
  let pending: { name: string; block: Omit<Block, 'memory'> }[] = []
  let end = 0
  const flush = () => {
    const memory = allocateMemory(end)
    for (const { name, block } of pending) blocks.set(name, { memory, ...block })
    pending = []
    end = 0
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const layout = layOut(name, shape, { slots, type: narrow[name] })
    if (layout.bytes > limit) throw tooLarge(name, layout.bytes, limit)
    if (end + layout.bytes > limit) flush()
    pending.push({ name, block: layout.at(end) })
    end += layout.bytes
  }
  flush()
  return blocks
}

/** Where the slots of one parameter lie, from any place on. */
function layOut(
  name: string,
  shape: readonly number[],
  { slots, type }: { slots: readonly Slot[]; type: NarrowType | undefined },
): { bytes: number; at(start: number): Omit<Block, 'memory'> } {
  const length = sizeOf(shape)
  const rows = type === 'int8' ? shape[0]! : 0
  const kept = type === undefined ? slots : slots.filter((slot) => slot.name !== 'value')
  const lengths = Object.fromEntries(kept.map((slot) => [slot.name, sizeOf(slot.shape(shape, name))]))
  const narrowSize = type === undefined ? 0 : align(length * narrowBytes[type])
  const first = narrowSize + align(rows * 4)
  const bytes = Object.values(lengths).reduce((sum, size) => sum + align(size * 4), first)
  return {
    bytes,
    at(start) {
      const offsets: Record<string, number> = {}
      let next = start + first
      for (const [slot, size] of Object.entries(lengths)) {
        offsets[slot] = next
        next += align(size * 4)
      }
      const narrow = type && { type, values: start, scales: start + narrowSize, rows }
      return { length, offsets, lengths, ...(narrow && { narrow }) }
    },
  }
}

function allocateMemory(bytes: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: Math.ceil(bytes / pageSize) })
  } catch (cause) {
    throw new EngineError({
      function: 'createStore',
      received: `refused ${bytes} bytes of memory`,
      remedy: 'Free some memory, choose a smaller model, or an optimizer with less state.',
      cause,
    })
  }
}

/** @throws ArgumentError */
export function checkLength(name: string, data: Float32Array, length: number): void {
  if (data.length === length) return
  throw new ArgumentError({
    function: 'store.write',
    argument: name,
    expected: `${length} elements`,
    received: `${data.length}`,
    remedy: 'Write arrays of exactly the size that the store was created with.',
  })
}

function tooLarge(name: string, bytes: number, limit: number): ArgumentError {
  return new ArgumentError({
    function: 'createStore',
    argument: name,
    expected: `at most ${limit} bytes with all its slots`,
    received: `${bytes}`,
    remedy: 'Use an optimizer with less state, or freeze this parameter.',
  })
}

const noView = (name: string, type: NarrowType) =>
  new ArgumentError({
    function: 'store.view',
    argument: 'name',
    expected: 'of a parameter that is kept as float32',
    received: `'${name}', which is kept as ${type}`,
    remedy: 'Use store.read, which gives a copy as float32.',
  })

/** @throws ArgumentError, always. */
export function unknownName(kind: 'parameter' | 'slot', name: string, known: readonly string[]): never {
  const listed = `one of ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}`
  throw new ArgumentError({
    function: 'store',
    argument: kind,
    expected: known.length > 0 ? listed : 'of a store that is not disposed of',
    received: `'${name}'`,
    remedy: 'Create the store with it.',
  })
}
