import { type NarrowType, scalesInput } from '@tfx/compiler'
import type * as onnxruntime from 'onnxruntime-node'
import type { MemoryStore } from './engine'

/** How the parameters are kept that are kept in fewer bits. */
export function narrowTypes(store: MemoryStore): Record<string, NarrowType> {
  const kept = Object.keys(store.shapes).map((name) => [name, store.narrow(name)?.type] as const)
  return Object.fromEntries(kept.filter((entry): entry is [string, NarrowType] => entry[1] !== undefined))
}

/**
 * What a program is fed for its parameters: views of the store, which can be made once, as the memory that they look at
 * never moves.
 *
 * @param names The inputs of the program that are parameters, the scales of int8 ones among them.
 */
export function feedsOf(
  { Tensor }: typeof onnxruntime,
  store: MemoryStore,
  names: readonly string[],
): Record<string, onnxruntime.Tensor> {
  const feeds: Record<string, onnxruntime.Tensor> = {}
  for (const name of names.filter((name) => name in store.shapes)) {
    const shape = store.shapes[name]!
    const kept = store.narrow(name)
    if (kept === undefined) feeds[name] = new Tensor('float32', store.view(name), shape)
    else if (kept.type === 'float16')
      feeds[name] = halves(new Tensor('float16', kept.values, shape), kept.values)
    else {
      feeds[name] = new Tensor('int8', kept.values, shape)
      feeds[scalesInput(name)] = new Tensor('float32', kept.scales, shape.slice(0, 1))
    }
  }
  return feeds
}

/**
 * A float16 tensor whose data its native side can read: where JavaScript has a Float16Array (Node 24), onnxruntime makes one of
 * what it was given, and Node-API does not know the type.
 */
const halves = (tensor: onnxruntime.Tensor, values: Uint16Array): onnxruntime.Tensor =>
  Object.defineProperty(tensor, 'data', { value: values })
