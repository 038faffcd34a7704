import { ArgumentError, EngineError, sizeOf } from '@tfx/common'
import type { MemoryBlock, MemoryStore, Slot, SlotSpec } from './engine'
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
 * @param memoryLimit The most bytes to put into one memory. Default: what WebAssembly allows, 4 GiB less a page.
 * @throws ArgumentError if one parameter with its slots is larger than a memory can be.
 * @throws EngineError if the machine has not enough memory.
 */
export function createMemoryStore(
  shapes: Readonly<Record<string, readonly number[]>>,
  extraSlots: readonly SlotSpec[] = [],
  memoryLimit: number = largestMemory,
): MemoryStore {
  const specs = normalizeSlots(['value', ...extraSlots])
  const slots = specs.map(({ name }) => name)
  const blocks = allocate(shapes, specs, memoryLimit)
  const block = (name: string) => blocks.get(name) ?? unknownName('parameter', name, [...blocks.keys()])
  const view = (name: string, slot = 'value') => {
    const { memory, lengths, offsets } = block(name)
    const offset = offsets[slot] ?? unknownName('slot', slot, slots)
    return new Float32Array(memory.buffer, offset, lengths[slot])
  }
  return {
    kind: 'memory',
    shapes,
    slots,
    block,
    view,
    read: async (name, slot) => view(name, slot).slice(),
    write(name, data, slot) {
      const target = view(name, slot)
      checkLength(name, data, target.length)
      target.set(data)
      if (slot === 'gradient') writtenRows.delete(block(name))
    },
    dispose: () => blocks.clear(),
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
  slots: readonly Slot[],
  limit: number,
): Map<string, MemoryBlock> {
  const blocks = new Map<string, MemoryBlock>()
  let pending: { name: string; block: Omit<MemoryBlock, 'memory'> }[] = []
  let end = 0
  const flush = () => {
    const memory = allocateMemory(end)
    for (const { name, block } of pending) blocks.set(name, { memory, ...block })
    pending = []
    end = 0
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const sizes = slots.map((slot) => [slot.name, sizeOf(slot.shape(shape, name))] as const)
    const bytes = sizes.reduce((sum, [, size]) => sum + align(size * 4), 0)
    if (bytes > limit) throw tooLarge(name, bytes, limit)
    if (end + bytes > limit) flush()
    const offsets: Record<string, number> = {}
    for (const [slot, size] of sizes) {
      offsets[slot] = end
      end += align(size * 4)
    }
    pending.push({ name, block: { length: sizeOf(shape), offsets, lengths: Object.fromEntries(sizes) } })
  }
  flush()
  return blocks
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
