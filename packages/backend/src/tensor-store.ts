import { tf } from '@tfx/compiler'
import type { TensorStore } from './engine'
import { checkLength, unknownName } from './memory-store'

/** Keeps parameters as tfjs tensors, on whatever device the current tfjs backend computes. */
export function createTensorStore(
  shapes: Readonly<Record<string, readonly number[]>>,
  extraSlots: readonly string[] = [],
): TensorStore {
  const slots = ['value', ...extraSlots]
  const tensors = new Map<string, Map<string, tf.Tensor>>()
  for (const [name, shape] of Object.entries(shapes)) {
    tensors.set(name, new Map(slots.map((slot) => [slot, tf.keep(tf.zeros([...shape]))])))
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
