import { sizeOf } from '@tfx/common'
import { isReadableType } from '../weights/number-formats'
import { openShards } from '../weights/shards'
import { openSource, readElements, type SourceFile } from '../weights/source-file'
import { missingTensor, notFloatingPoint, requireLength, type WeightsReader } from '../weights/weights-reader'
import { maximumHeaderBytes, parseHeader, type SafetensorsHeader, type TensorInfo } from './header'

/** Tensors in one or several safetensors files, read one at a time. F32, F16, BF16 and F64 become float32. */
export interface SafetensorsReader extends WeightsReader<TensorInfo> {
  /** The `__metadata__` of the file, of the first shard if there are several. */
  readonly metadata: Readonly<Record<string, string>>
}

const caller = 'openSafetensors'

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
  if (path.endsWith('.json')) return openIndex(path)
  const file = await openSource(path, caller)
  try {
    const { header, dataStart } = await readHeader(file)
    return readerOf(file, { header, dataStart })
  } catch (error) {
    await file.close()
    throw error
  }
}

async function openIndex(path: string): Promise<SafetensorsReader> {
  let metadata: SafetensorsReader['metadata'] | undefined
  const open = async (shard: string) => {
    const reader = await openSafetensors(shard)
    metadata ??= reader.metadata
    return reader
  }
  const weights = await openShards(path, { caller, extension: '.safetensors', open })
  return { ...weights, metadata: metadata ?? {} }
}

async function readHeader(file: SourceFile): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  const { size } = file
  if (size < 8) {
    throw file.corrupt({ expected: 'a safetensors file of at least 8 bytes', received: `${size} bytes` })
  }
  const prefix = new Uint8Array(8)
  await file.read(prefix, 0)
  const length = new DataView(prefix.buffer).getBigUint64(0, true)
  if (length > BigInt(maximumHeaderBytes)) {
    throw file.corrupt({
      expected: `a safetensors file whose header has at most ${maximumHeaderBytes} bytes`,
      received: `${length} bytes`,
    })
  }
  const headerBytes = Number(length)
  if (8 + headerBytes > size) {
    throw file.corrupt({
      expected: `a safetensors file that holds its header of ${headerBytes} bytes`,
      received: `a file of ${size} bytes`,
    })
  }
  const bytes = new Uint8Array(headerBytes)
  await file.read(bytes, 8)
  const dataStart = 8 + headerBytes
  return { header: parseHeader(bytes, { file: file.path, dataBytes: size - dataStart }), dataStart }
}

function readerOf(
  file: SourceFile,
  { header, dataStart }: { header: SafetensorsHeader; dataStart: number },
): SafetensorsReader {
  const readInto = async (name: string, destination: Float32Array) => {
    const entry = header.tensors.get(name)
    if (entry === undefined) throw missingTensor(name, { caller, file: file.path })
    const { dtype } = entry
    if (!isReadableType(dtype)) throw notFloatingPoint(name, { caller, file: file.path, dtype })
    requireLength(name, destination, sizeOf(entry.shape))
    await readElements(file, { dtype, position: dataStart + entry.begin }, destination)
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
    close: () => file.close(),
  }
}
