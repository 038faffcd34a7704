import type { Slot, SlotSpec } from './engine'

/** The name of a slot. */
export function slotName(spec: SlotSpec): string {
  return typeof spec === 'string' ? spec : spec.name
}

/** Slots with the shapes that go without saying. */
export function normalizeSlots(specs: readonly SlotSpec[]): Slot[] {
  return specs.map((spec) => (typeof spec === 'string' ? { name: spec, shape: (shape) => shape } : spec))
}
