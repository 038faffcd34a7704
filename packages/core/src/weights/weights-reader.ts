import { ArgumentError, CheckpointError } from '@tfx/common'

/** What a tensor in a file of weights is. */
export interface StoredTensor {
  /** The element type, in the spelling of safetensors or GGUF: `F32`, `BF16`, `Q4_K`, … */
  readonly dtype: string
  readonly shape: readonly number[]
}

/** Tensors in one or several files, read one at a time: what every format of weights gives. */
export interface WeightsReader<Info extends StoredTensor = StoredTensor> {
  /** Every tensor by name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, Info>
  /**
   * Reads one tensor as float32, straight into memory that the caller has (what is not float32 in the file, by way
   * of a buffer of a megabyte or two).
   *
   * @param destination As many elements as the tensor, in row-major order.
   * @throws CheckpointError if there is no such tensor, or its elements do not convert to float32.
   * @throws ArgumentError if the destination has another length.
   */
  readInto(name: string, destination: Float32Array): Promise<void>
  /** Reads one tensor as float32. @throws CheckpointError as `readInto` does. */
  read(name: string): Promise<Float32Array>
  close(): Promise<void>
}

/** The error of a tensor that a file does not have. */
export function missingTensor(
  name: string,
  { caller, file }: { caller: string; file: string },
): CheckpointError {
  return new CheckpointError({
    function: caller,
    argument: file,
    expected: `a file with the tensor '${name}'`,
    received: 'one without it',
    remedy: 'Ask only for names in `tensors`, or choose a checkpoint of the right architecture.',
  })
}

/** The error of a tensor of integers, or of a quantized one. */
export function notFloatingPoint(
  name: string,
  { caller, file, dtype }: { caller: string; file: string; dtype: string },
): CheckpointError {
  return new CheckpointError({
    function: caller,
    argument: file,
    expected: `a file in which '${name}' has floating-point numbers (F32, F16, BF16, F64)`,
    received: dtype,
    remedy: 'Choose a checkpoint that is not quantized.',
  })
}

/** @throws ArgumentError unless the destination holds exactly the tensor. */
export function requireLength(name: string, destination: Float32Array, length: number): void {
  if (destination.length === length) return
  throw new ArgumentError({
    function: 'readInto',
    argument: 'destination',
    expected: `${length} elements, the size of '${name}'`,
    received: `${destination.length}`,
    remedy: 'Allocate it from the shape in `tensors`.',
  })
}
