import '@tensorflow/tfjs-backend-cpu'
import { createMemoryStore, createOnnxEngine, createTensorStore, createTfjsEngine } from '@tfx/backend'
import type { Engine, ParameterStore, SlotSpec } from '@tfx/backend'
import { tf } from '@tfx/compiler'

type CreateStore = (shapes: Record<string, readonly number[]>, slots: readonly SlotSpec[]) => ParameterStore

await tf.setBackend('cpu')

/** Both kinds of store, so that a test can run on each. */
export const storeKinds: readonly [string, CreateStore][] = [
  ['memory', createMemoryStore],
  ['tensor', createTensorStore],
]

/** Both engines. */
export const engines: readonly [string, Engine][] = [
  ['onnx', createOnnxEngine({ threads: 1 })],
  ['tfjs', createTfjsEngine('cpu')],
]
