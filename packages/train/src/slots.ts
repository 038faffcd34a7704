import { type ParameterStore, slotName, type SlotSpec } from '@tfx/backend'
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

/**
 * Exchanges two slots of some parameters, for instance to evaluate averaged weights and go on with the others.
 *
 * @throws ArgumentError if the store lacks one of the slots.
 */
export function swapSlots(store: ParameterStore, names: readonly string[], { from, to }: SlotPair): void {
  checkSlots('swapSlots', store, [from, to])
  for (const name of names) {
    if (store.kind === 'memory') {
      const kept = store.view(name, to).slice()
      store.view(name, to).set(store.view(name, from))
      store.view(name, from).set(kept)
    } else {
      const [first, second] = [tf.clone(store.tensor(name, from)), tf.clone(store.tensor(name, to))]
      store.replace(name, second, from)
      store.replace(name, first, to)
    }
  }
}

/** Sets some slots of some parameters to zero. */
export function clearSlots(
  store: ParameterStore,
  names: readonly string[],
  slots: readonly SlotSpec[],
): void {
  checkSlots('clearSlots', store, slots)
  for (const name of names) {
    for (const slot of slots.map(slotName)) {
      if (store.kind === 'memory') store.view(name, slot).fill(0)
      else store.replace(name, tf.zerosLike(store.tensor(name, slot)), slot)
    }
  }
}

/** What {@link accumulateSlot} does with what there is. */
export interface AccumulateOptions extends SlotPair {
  /** The factor on `from`. Default 1. */
  readonly scale?: number
  /** The factor on what `to` holds; 0 overwrites it, whatever it is. Default 1. */
  readonly keep?: number
}

/**
 * Adds one slot of some parameters to another: to ← keep · to + scale · from.
 *
 * @throws ArgumentError if the store lacks one of the slots.
 */
export function accumulateSlot(
  store: ParameterStore,
  names: readonly string[],
  { from, to, scale = 1, keep = 1 }: AccumulateOptions,
): void {
  checkSlots('accumulateSlot', store, [from, to])
  for (const name of names) {
    if (store.kind === 'memory') {
      const { memory, offsets, lengths } = store.block(name)
      const kernels = kernelsOf(memory)
      if (keep === 0) kernels.setScaled(offsets[to]!, offsets[from]!, lengths[to]!, scale)
      else kernels.blend(offsets[to]!, offsets[from]!, lengths[to]!, keep, scale)
    } else {
      const total = tf.tidy(() => {
        const scaled = tf.mul(store.tensor(name, from), scale)
        if (keep === 0) return scaled
        const kept = store.tensor(name, to)
        return tf.add(keep === 1 ? kept : tf.mul(kept, keep), scaled)
      })
      store.replace(name, total, to)
    }
  }
}

/** @throws ArgumentError if the store was created without one of the slots. */
export function checkSlots(caller: string, store: ParameterStore, slots: readonly SlotSpec[]): void {
  const missing = slots.map(slotName).filter((slot) => slot !== 'value' && !store.slots.includes(slot))
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
