import { EngineError, type HostTensor, sizeOf } from '@tfx/common'
import type { InferenceSession, OnnxValue, Tensor } from 'onnxruntime-node'
import { callNative } from './native-calls'

/** The first output of a session for {@link runInPlace}: an empty sequence. */
export const refusedOutput = 'refused'

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }

/** Room for an output. */
export function allocateOutput(dtype: HostTensor['dtype'], shape: readonly number[]): HostTensor {
  return { dtype, shape, data: new arrays[dtype](sizeOf(shape)) }
}

/**
 * An output in the first elements of an array.
 *
 * @throws EngineError if there are too few.
 */
export function outputIn(room: Float32Array, shape: readonly number[]): HostTensor {
  const size = sizeOf(shape)
  if (room.length >= size) return { dtype: 'float32', shape, data: room.subarray(0, size) }
  throw new EngineError({
    function: 'run',
    argument: 'outputs',
    expected: `room for ${size} numbers`,
    received: String(room.length),
    remedy: 'Give a larger array, or none.',
  })
}

/**
 * Runs a session that writes every output where it is told to.
 *
 * onnxruntime-node 1.30 copies each output into a new array once more, even where it was given one to
 * write to: with the gradients of BERT-base, 345 MB a step. It converts outputs one by one when all is computed,
 * and refuses what is no tensor. So the first output is none, and its refusal ends a run that went well.
 * A version that makes no copies or takes sequences works as well.
 *
 * @param fetches A tensor for every output but the first.
 * @throws What onnxruntime throws if the computation fails.
 */
export async function runInPlace(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
  fetches: Readonly<Record<string, OnnxValue>>,
): Promise<void> {
  try {
    await callNative(() => session.run(feeds, { ...fetches, [refusedOutput]: null }))
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('Non tensor type'))) throw error
  }
}
