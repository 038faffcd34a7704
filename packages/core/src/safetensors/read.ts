import { open, type FileHandle } from 'node:fs/promises'
import { ArgumentError, CheckpointError, sizeOf } from '@tfx/common'
import {
  corruptFile,
  maximumHeaderBytes,
  parseHeader,
  type SafetensorsHeader,
  type TensorInfo,
} from './header'
import { bytesPerElement, decodeElements, isReadableType } from './number-formats'
import { openShards } from './read-shards'

/** Tensors in one or several files, read one at a time. */
export interface SafetensorsReader {
  /** Every tensor by name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>
  /** The `__metadata__` of the file, of the first shard if there are several. */
  readonly metadata: Readonly<Record<string, string>>
  /**
   * Reads one tensor as float32, straight into memory that the caller has (F16, BF16 and F64 by way of a buffer
   * of a megabyte).
   *
   * @param destination As many elements as the tensor.
   * @throws CheckpointError if there is no such tensor, or its elements are not floating-point numbers.
   * @throws ArgumentError if the destination has another length.
   */
  readInto(name: string, destination: Float32Array): Promise<void>
  /** Reads one tensor as float32. @throws CheckpointError as `readInto` does. */
  read(name: string): Promise<Float32Array>
  close(): Promise<void>
}

/** Elements that are converted at a time. */
const chunkElements = 262_144
/** Bytes that one call of the system reads at most; the system's own limit is just under 2 GiB. */
const readBytes = 1 << 28

/**
 * Opens a [safetensors](https://github.com/huggingface/safetensors) file. Only the header is read; tensors are
 * read from the file when asked for, so that the file is never in memory as a whole.
 *
 * @param path A `.safetensors` file, or the `.safetensors.index.json` of one that is split into shards.
 * @throws CheckpointError if there is no such file or it is malformed: truncated, a header beyond the file or above
 *   100 MB, bad JSON, a repeated name, an unknown dtype, a size that contradicts the shape, overlaps or gaps.
 *
 * @example
 * ```ts
 * const file = await openSafetensors('model/model.safetensors')
 * const weight = await file.read('classifier.weight')
 * await file.close()
 * ```
 */
export async function openSafetensors(path: string): Promise<SafetensorsReader> {
  if (path.endsWith('.json')) return openShards(path, openSafetensors)
  const handle = await openFile(path)
  try {
    const size = (await handle.stat()).size
    const { header, dataStart } = await readHeader(handle, { file: path, size })
    return readerOf(handle, { file: path, header, dataStart })
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw new CheckpointError({
      function: 'openSafetensors',
      argument: path,
      expected: 'a file that can be read',
      received: (cause as NodeJS.ErrnoException).code ?? 'an error',
      remedy: 'Check the path, and that this process may read it.',
      cause,
    })
  }
}

async function readHeader(
  handle: FileHandle,
  { file, size }: { file: string; size: number },
): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  if (size < 8) {
    throw corruptFile(file, { expected: 'a safetensors file of at least 8 bytes', received: `${size} bytes` })
  }
  const prefix = new Uint8Array(8)
  await readFully(handle, prefix, { file, position: 0 })
  const length = new DataView(prefix.buffer).getBigUint64(0, true)
  if (length > BigInt(maximumHeaderBytes)) {
    throw corruptFile(file, {
      expected: `a safetensors file whose header has at most ${maximumHeaderBytes} bytes`,
      received: `${length} bytes`,
    })
  }
  const headerBytes = Number(length)
  if (8 + headerBytes > size) {
    throw corruptFile(file, {
      expected: `a safetensors file that holds its header of ${headerBytes} bytes`,
      received: `a file of ${size} bytes`,
    })
  }
  const bytes = new Uint8Array(headerBytes)
  await readFully(handle, bytes, { file, position: 8 })
  const dataStart = 8 + headerBytes
  return { header: parseHeader(bytes, { file, dataBytes: size - dataStart }), dataStart }
}

async function readFully(
  handle: FileHandle,
  destination: Uint8Array,
  { file, position }: { file: string; position: number },
): Promise<void> {
  for (let done = 0; done < destination.length;) {
    const length = Math.min(readBytes, destination.length - done)
    const { bytesRead } = await handle.read(destination, done, length, position + done)
    if (bytesRead === 0) {
      throw corruptFile(file, { expected: 'a file that stays as it was opened', received: 'a shorter file' })
    }
    done += bytesRead
  }
}

function readerOf(
  handle: FileHandle,
  { file, header, dataStart }: { file: string; header: SafetensorsHeader; dataStart: number },
): SafetensorsReader {
  const readInto = async (name: string, destination: Float32Array) => {
    const entry = header.tensors.get(name)
    if (entry === undefined) throw missingTensor(name, file)
    const { dtype } = entry
    if (!isReadableType(dtype)) throw notFloatingPoint(name, { file, dtype })
    requireLength(name, destination, sizeOf(entry.shape))
    const start = dataStart + entry.begin
    if (dtype === 'F32') {
      const bytes = new Uint8Array(destination.buffer, destination.byteOffset, destination.byteLength)
      return readFully(handle, bytes, { file, position: start })
    }
    const elementBytes = bytesPerElement[dtype]
    const buffer = new Uint8Array(Math.min(chunkElements, destination.length) * elementBytes)
    for (let first = 0; first < destination.length; first += chunkElements) {
      const target = destination.subarray(first, first + chunkElements)
      const bytes = buffer.subarray(0, target.length * elementBytes)
      await readFully(handle, bytes, { file, position: start + first * elementBytes })
      decodeElements(dtype, bytes, target)
    }
  }
  return {
    tensors: header.tensors,
    metadata: header.metadata,
    readInto,
    async read(name) {
      const destination = new Float32Array(sizeOf(header.tensors.get(name)?.shape ?? [0]))
      await readInto(name, destination)
      return destination
    },
    close: () => handle.close(),
  }
}

/** The error of a tensor that a file does not have. */
export function missingTensor(name: string, file: string): CheckpointError {
  return new CheckpointError({
    function: 'openSafetensors',
    argument: file,
    expected: `a file with the tensor '${name}'`,
    received: 'one without it',
    remedy: 'Ask only for names in `tensors`, or choose a checkpoint of the right architecture.',
  })
}

function notFloatingPoint(name: string, { file, dtype }: { file: string; dtype: string }): CheckpointError {
  return new CheckpointError({
    function: 'openSafetensors',
    argument: file,
    expected: `a file in which '${name}' has floating-point numbers (F32, F16, BF16, F64)`,
    received: dtype,
    remedy: 'Choose a checkpoint that is not quantized.',
  })
}

function requireLength(name: string, destination: Float32Array, length: number): void {
  if (destination.length === length) return
  throw new ArgumentError({
    function: 'readInto',
    argument: 'destination',
    expected: `${length} elements, the size of '${name}'`,
    received: `${destination.length}`,
    remedy: 'Allocate it from the shape in `tensors`.',
  })
}
