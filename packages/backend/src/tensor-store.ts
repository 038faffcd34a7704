import { tf } from '@tfx/compiler'
import type { TensorStore } from './engine'
import { checkLength } from './memory-store'

/** Keeps parameters as tfjs tensors, on whatever device the current tfjs backend computes. */
export function createTensorStore(
  shapes: Readonly<Record<string, readonly number[]>>,
  extraSlots: readonly string[] = [],
): TensorStore {
  const slots = ['value', ...extraSlots]
  const tensors = new Map<string, tf.Tensor>()
  const key = (name: string, slot: string) => `${slot}:${name}`
  for (const [name, shape] of Object.entries(shapes)) {
    for (const slot of slots) tensors.set(key(name, slot), tf.keep(tf.zeros([...shape])))
  }
  const tensor = (name: string, slot = 'value') => tensors.get(key(name, slot)) as tf.Tensor
  const replace = (name: string, next: tf.Tensor, slot = 'value') => {
    tensor(name, slot).dispose()
    tensors.set(key(name, slot), tf.keep(next))
  }
  return {
    kind: 'tensor',
    shapes,
    slots,
    tensor,
    replace,
    read: async (name, slot) => (await tensor(name, slot).data()) as Float32Array,
    write(name, data, slot) {
      const old = tensor(name, slot)
      checkLength(name, data, old.size)
      replace(name, tf.tensor(data.slice(), old.shape), slot)
    },
    dispose() {
      tf.dispose([...tensors.values()])
      tensors.clear()
    },
  }
}
