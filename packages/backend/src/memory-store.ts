import { ArgumentError, sizeOf } from '@tfx/common'
import type { MemoryBlock, MemoryStore } from './engine'

const pageSize = 65536
// A WebAssembly memory holds 4 GiB at most; larger models take several.
const largestMemory = 65535 * pageSize
// Rows of AVX-512 registers and of cache lines start here.
const alignment = 64

const align = (bytes: number) => Math.ceil(bytes / alignment) * alignment

/**
 * Allocates parameters, and whatever belongs to each of them, in WebAssembly memory.
 *
 * @throws ArgumentError if one parameter with its slots is larger than a memory can be.
 */
export function createMemoryStore(
  shapes: Readonly<Record<string, readonly number[]>>,
  extraSlots: readonly string[] = [],
): MemoryStore {
  const slots = ['value', ...extraSlots]
  const blocks = allocate(shapes, slots)
  const block = (name: string) => blocks.get(name) ?? fail('parameter', name, [...blocks.keys()])
  const view = (name: string, slot = 'value') => {
    const { memory, length, offsets } = block(name)
    const offset = offsets[slot] ?? fail('slot', slot, slots)
    return new Float32Array(memory.buffer, offset, length)
  }
  return {
    kind: 'memory',
    shapes,
    slots,
    block,
    view,
    read: (name, slot) => Promise.resolve(view(name, slot).slice()),
    write(name, data, slot) {
      const target = view(name, slot)
      checkLength(name, data, target.length)
      target.set(data)
      gradientRows.get(this)?.delete(name)
    },
    dispose: () => blocks.clear(),
  }
}

/**
 * What a parameter's gradient slot holds besides zeros: the rows that a sparse gradient wrote last.
 * No entry: unknown, so that all of it must be cleared.
 */
export const gradientRows = new WeakMap<MemoryStore, Map<string, Int32Array>>()

/** Lays the slots of each parameter side by side, filling one memory after the other. */
function allocate(
  shapes: Readonly<Record<string, readonly number[]>>,
  slots: readonly string[],
): Map<string, MemoryBlock> {
  const blocks = new Map<string, MemoryBlock>()
  let pending: { name: string; length: number; start: number }[] = []
  let end = 0
  const flush = () => {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(end / pageSize) })
    for (const { name, length, start } of pending) {
      const offsets = Object.fromEntries(slots.map((slot, index) => [slot, start + index * align(length * 4)]))
      blocks.set(name, { memory, length, offsets })
    }
    pending = []
    end = 0
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const length = sizeOf(shape)
    const bytes = align(length * 4) * slots.length
    if (bytes > largestMemory) tooLarge(name, bytes)
    if (end + bytes > largestMemory) flush()
    pending.push({ name, length, start: end })
    end += bytes
  }
  flush()
  return blocks
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

function tooLarge(name: string, bytes: number): never {
  throw new ArgumentError({
    function: 'createStore',
    argument: name,
    expected: `at most ${largestMemory} bytes with all its slots`,
    received: `${bytes}`,
    remedy: 'Use an optimizer with less state, or freeze this parameter.',
  })
}

function fail(kind: string, name: string, known: readonly string[]): never {
  throw new ArgumentError({
    function: 'store',
    argument: kind,
    expected: `one of ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}`,
    received: `'${name}'`,
    remedy: 'Create the store with it.',
  })
}
