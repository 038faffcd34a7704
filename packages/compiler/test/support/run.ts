import '@tensorflow/tfjs-backend-cpu'
import type { DataType, HostTensor } from '@tfx/common'
import * as ort from 'onnxruntime-node'
import { expect } from 'vitest'
import { tf, type TraceableFunction } from '../../src/index'

export type HostTensors = Record<string, HostTensor>

/** Runs an emitted model on onnxruntime at its default optimization level. */
export async function runModel(model: Uint8Array, feeds: HostTensors): Promise<HostTensors> {
  const [result] = await runModelOften(model, [feeds])
  return result!
}

/** Runs one session on several feeds, one after the other. */
export async function runModelOften(
  model: Uint8Array,
  feeds: readonly HostTensors[],
): Promise<HostTensors[]> {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  try {
    const results: HostTensors[] = []
    for (const feed of feeds) {
      const taken = session.inputNames.map((name) => [name, toOrt(feed[name] as HostTensor)])
      const outputs = await session.run(Object.fromEntries(taken) as Record<string, ort.Tensor>)
      results.push(Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, fromOrt(value)])))
    }
    return results
  } finally {
    await session.release()
  }
}

const toOrt = ({ dtype, shape, data }: HostTensor) => new ort.Tensor(dtype, data as Float32Array, shape)
const fromOrt = ({ type, dims, data }: ort.Tensor): HostTensor => ({
  dtype: type as DataType,
  shape: dims,
  data: data as Float32Array,
})

/** Runs a function eagerly on tfjs-cpu: the oracle. */
export function runEager(compute: TraceableFunction, feeds: HostTensors): HostTensors {
  useCpu()
  const outputs: HostTensors = {}
  tf.tidy(() => {
    const tensors = Object.entries(feeds).map(([name, value]) => [name, toTensor(value)])
    const results = compute(Object.fromEntries(tensors) as Record<string, tf.Tensor>)
    for (const [name, value] of Object.entries(results)) outputs[name] = toHost(value)
  })
  return outputs
}

export function useCpu(): void {
  // The factory of the cpu backend is not async, so it is active when this returns.
  void tf.setBackend('cpu')
}

export function toTensor({ dtype, shape, data }: HostTensor): tf.Tensor {
  return tf.tensor(data, [...shape], dtype)
}

export function toHost(tensor: tf.Tensor): HostTensor {
  return {
    dtype: tensor.dtype as DataType,
    shape: tensor.shape,
    data: tensor.dataSync<DataType>(),
  }
}

export interface Tolerance {
  absolute?: number
  relative?: number
}

/** Types, shapes and elements agree; integers and booleans exactly. */
export function expectSame(received: HostTensors, expected: HostTensors, tolerance: Tolerance = {}): void {
  expect(Object.keys(received).sort()).toEqual(Object.keys(expected).sort())
  for (const [name, want] of Object.entries(expected)) {
    const got = received[name] as HostTensor
    expect({ name, dtype: got.dtype, shape: [...got.shape] }).toEqual({
      name,
      dtype: want.dtype,
      shape: [...want.shape],
    })
    const exact = want.dtype !== 'float32'
    expect(elements(got), name).toBeAllClose(elements(want), exact ? { absolute: 0, relative: 0 } : tolerance)
  }
}

/** tfjs-cpu leaves sums of booleans as 2: what counts is whether they are 0. */
function elements({ dtype, data }: HostTensor): ArrayLike<number> {
  return dtype === 'bool' ? Uint8Array.from(data, (value) => Number(value !== 0)) : data
}
