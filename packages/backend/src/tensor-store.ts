import { tf } from '@tfx/compiler'
import type { SlotSpec, TensorStore } from './engine'
import { checkLength, unknownName } from './memory-store'
import { normalizeSlots } from './slot-specs'

/** Keeps parameters as tfjs tensors, on whatever device the current tfjs backend computes. */
export function createTensorStore(
  shapes: Readonly<Record<string, readonly number[]>>,
  extraSlots: readonly SlotSpec[] = [],
): TensorStore {
  const specs = normalizeSlots(['value', ...extraSlots])
  const slots = specs.map(({ name }) => name)
  const tensors = new Map<string, Map<string, tf.Tensor>>()
  for (const [name, shape] of Object.entries(shapes)) {
    const zeros = (slot: (typeof specs)[number]) => tf.keep(tf.zeros([...slot.shape(shape, name)]))
    tensors.set(name, new Map(specs.map((slot) => [slot.name, zeros(slot)])))
  }
  const slotsOf = (name: string) => tensors.get(name) ?? unknownName('parameter', name, [...tensors.keys()])
  const tensor = (name: string, slot = 'value') => slotsOf(name).get(slot) ?? unknownName('slot', slot, slots)
  const replace = (name: string, next: tf.Tensor, slot = 'value') => {
    const old = tensor(name, slot)
    slotsOf(name).set(slot, tf.keep(next))
    if (old !== next) old.dispose()
  }
  return {
    kind: 'tensor',
    shapes,
    slots,
    tensor,
    replace,
    read: async (name, slot) => ((await tensor(name, slot).data()) as Float32Array).slice(),
    write(name, data, slot) {
      const old = tensor(name, slot)
      checkLength(name, data, old.size)
      replace(name, tf.tensor(data.slice(), old.shape), slot)
    },
    dispose() {
      for (const slotTensors of tensors.values()) tf.dispose([...slotTensors.values()])
      tensors.clear()
    },
  }
}
