import type { ParameterStore } from '@tfx/backend'
import { ArgumentError } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { kernelsOf } from './kernels'

/** From which slot to which, for the functions below. */
export interface SlotPair {
  readonly from: string
  readonly to: string
}

/**
 * Copies one slot of some parameters into another, for instance the values of the best model back:
 * `copySlot(store, names, { from: 'best', to: 'value' })`.
 *
 * @throws ArgumentError if the store lacks one of the slots.
 */
export function copySlot(store: ParameterStore, names: readonly string[], { from, to }: SlotPair): void {
  checkSlots('copySlot', store, [from, to])
  for (const name of names) {
    if (store.kind === 'memory') store.view(name, to).set(store.view(name, from))
    // A clone shares its data; stores replace tensors and never write into them.
    else store.replace(name, tf.clone(store.tensor(name, from)), to)
  }
}

/** Sets some slots of some parameters to zero. */
export function clearSlots(store: ParameterStore, names: readonly string[], slots: readonly string[]): void {
  checkSlots('clearSlots', store, slots)
  for (const name of names) {
    for (const slot of slots) {
      if (store.kind === 'memory') store.view(name, slot).fill(0)
      else store.replace(name, tf.zerosLike(store.tensor(name, slot)), slot)
    }
  }
}

/**
 * Adds one slot of some parameters, scaled, to another: to ← to + scale · from.
 *
 * @param options `scale`: default 1. `fresh`: overwrite `to` instead of adding to it; default false.
 * @throws ArgumentError if the store lacks one of the slots.
 */
export function accumulateSlot(
  store: ParameterStore,
  names: readonly string[],
  { from, to, scale = 1, fresh = false }: SlotPair & { scale?: number; fresh?: boolean },
): void {
  checkSlots('accumulateSlot', store, [from, to])
  for (const name of names) {
    if (store.kind === 'memory') {
      const { memory, offsets, length } = store.block(name)
      const kernel = fresh ? kernelsOf(memory).setScaled : kernelsOf(memory).addScaled
      kernel(offsets[to]!, offsets[from]!, length, scale)
    } else {
      const total = tf.tidy(() => {
        const scaled = tf.mul(store.tensor(name, from), scale)
        return fresh ? scaled : tf.add(store.tensor(name, to), scaled)
      })
      store.replace(name, total, to)
    }
  }
}

/** @throws ArgumentError if the store was created without one of the slots. */
export function checkSlots(caller: string, store: ParameterStore, slots: readonly string[]): void {
  const missing = slots.filter((slot) => slot !== 'value' && !store.slots.includes(slot))
  if (missing.length === 0) return
  throw new ArgumentError({
    function: caller,
    argument: 'store',
    expected: `a store with the slots ${missing.map((slot) => `'${slot}'`).join(', ')}`,
    received: `one with ${store.slots.map((slot) => `'${slot}'`).join(', ') || 'none'}`,
    remedy:
      'Create it with the slots that the optimizer and the options need: engine.createStore(shapes, fitSlots(options)).',
  })
}
