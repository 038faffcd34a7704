import '@tensorflow/tfjs-backend-cpu'
import { sizeOf, type HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { createOnnxEngine, createTfjsEngine, type Engine, type NamedTensors } from '../src/index'

await tf.setBackend('cpu')

/** Every engine: each must pass every test of the contract. */
export const engines: readonly [string, Engine][] = [
  ['onnx', createOnnxEngine({ threads: 2 })],
  ['tfjs', createTfjsEngine('cpu')],
]

export function float32(
  data: ArrayLike<number>,
  shape: readonly number[] = [data.length],
): HostTensor<'float32'> {
  return { dtype: 'float32', shape, data: Float32Array.from(data) }
}

export function int32(
  data: ArrayLike<number>,
  shape: readonly number[] = [data.length],
): HostTensor<'int32'> {
  return { dtype: 'int32', shape, data: Int32Array.from(data) }
}

/** Numbers without a pattern, the same in every run. */
export function wave(shape: readonly number[], phase = 0): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, (_, index) => Math.sin(index * 1.7 + phase))
}

/** A named tensor of a step. */
export function get<Rank extends tf.Rank = tf.Rank>(tensors: NamedTensors, name: string): tf.Tensor<Rank> {
  const tensor = tensors[name]
  if (!tensor) throw new Error(`no tensor '${name}'`)
  return tensor as tf.Tensor<Rank>
}
