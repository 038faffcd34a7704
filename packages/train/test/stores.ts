import type { MemoryStore, ParameterStore, TensorStore } from '@tfx/backend'
import { sizeOf } from '@tfx/common'
import { tf } from '@tfx/compiler'
import '@tensorflow/tfjs-backend-cpu'

type Shapes = Record<string, readonly number[]>

/** Both kinds of store, so that a test can run on each. */
export const storeKinds: readonly [string, (shapes: Shapes, slots: readonly string[]) => ParameterStore][] = [
  ['memory', memoryStore],
  ['tensor', tensorStore],
]

function memoryStore(shapes: Shapes, slots: readonly string[]): MemoryStore {
  const all = ['value', ...slots]
  const memory = new WebAssembly.Memory({ initial: 16 })
  const blocks: Record<
    string,
    { memory: WebAssembly.Memory; length: number; offsets: Record<string, number> }
  > = {}
  let end = 64
  for (const [name, shape] of Object.entries(shapes)) {
    const offsets: Record<string, number> = {}
    for (const slot of all) {
      offsets[slot] = end
      end += Math.ceil((sizeOf(shape) * 4) / 64) * 64
    }
    blocks[name] = { memory, length: sizeOf(shape), offsets }
  }
  memory.grow(Math.ceil(end / 65536))
  const block = (name: string) => blocks[name] as (typeof blocks)[string]
  const view = (name: string, slot = 'value') =>
    new Float32Array(memory.buffer, block(name).offsets[slot], block(name).length)
  return {
    kind: 'memory',
    shapes,
    slots: all,
    block,
    view,
    read: (name, slot) => Promise.resolve(view(name, slot).slice()),
    write: (name, data, slot) => view(name, slot).set(data),
    dispose: () => undefined,
  }
}

function tensorStore(shapes: Shapes, slots: readonly string[]): TensorStore {
  const tensors = new Map<string, tf.Tensor>()
  const key = (name: string, slot: string) => `${slot}/${name}`
  const replace = (name: string, tensor: tf.Tensor, slot = 'value') => {
    tensors.get(key(name, slot))?.dispose()
    tensors.set(key(name, slot), tensor)
  }
  for (const name of Object.keys(shapes)) {
    for (const slot of ['value', ...slots]) replace(name, tf.zeros(shapes[name] as number[]), slot)
  }
  const tensor = (name: string, slot = 'value') => tensors.get(key(name, slot)) as tf.Tensor
  return {
    kind: 'tensor',
    shapes,
    slots: ['value', ...slots],
    tensor,
    replace,
    read: async (name, slot) => Float32Array.from(await tensor(name, slot).data()),
    write: (name, data, slot) => replace(name, tf.tensor(data.slice(), shapes[name] as number[]), slot),
    dispose: () => tensors.forEach((each) => each.dispose()),
  }
}
