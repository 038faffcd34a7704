import { CheckpointError } from '@tfx/common'
import { isReadableType, type SafetensorsType } from '../weights/number-formats'
import { chunkElements, openSource, readElements, type SourceFile } from '../weights/source-file'
import { missingTensor, requireLength, type WeightsReader } from '../weights/weights-reader'
import { blockFormats, type BlockFormat } from './block-formats'
import { type GgufEntry, type GgufHeader, type GgufValue, readGgufHeader } from './header'

const caller = 'openGguf'

/** Tensors and metadata of a GGUF file. Shapes are as in PyTorch, the innermost axis last. */
export interface GgufReader extends WeightsReader {
  /** `general.architecture`, `llama.block_count`, the tokenizer, … */
  readonly metadata: ReadonlyMap<string, GgufValue>
  /** The file, for errors. */
  readonly path: string
}

/**
 * Opens a [GGUF](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) file, the format of llama.cpp. Tensors
 * of the types F32, F16, BF16, F64, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K are read as float32,
 * bit for bit as the Python package `gguf` dequantizes them; files hold names of llama.cpp, which
 * {@link huggingFaceWeights} translates.
 *
 * @param path A file of version 2 or 3; shards are not joined.
 * @throws CheckpointError if there is no such file or it is malformed.
 *
 * @example
 * ```ts
 * const file = await openGguf('SmolLM2-135M-Instruct.Q4_1.gguf')
 * console.log(file.metadata.get('general.architecture'), await file.read('token_embd.weight'))
 * await file.close()
 * ```
 */
export async function openGguf(path: string): Promise<GgufReader> {
  const file = await openSource(path, caller)
  try {
    return readerOf(file, await readGgufHeader(file))
  } catch (error) {
    await file.close()
    throw error
  }
}

function readerOf(file: SourceFile, { metadata, tensors }: GgufHeader): GgufReader {
  const readInto = async (name: string, destination: Float32Array) => {
    const entry = tensors.get(name)
    if (entry === undefined) throw missingTensor(name, { caller, file: file.path })
    const read = readerFor(name, entry, file)
    requireLength(name, destination, entry.elements)
    await read(destination)
  }
  return {
    path: file.path,
    metadata,
    tensors,
    readInto,
    async read(name) {
      const entry = tensors.get(name)
      if (entry === undefined) throw missingTensor(name, { caller, file: file.path })
      // Before memory is taken: the size of a type that is not read was not checked.
      const read = readerFor(name, entry, file)
      const destination = new Float32Array(entry.elements)
      await read(destination)
      return destination
    },
    close: () => file.close(),
  }
}

/** @throws CheckpointError if the type is not read. */
function readerFor(
  name: string,
  { dtype, begin }: GgufEntry,
  file: SourceFile,
): (destination: Float32Array) => Promise<void> {
  const type = dtype as SafetensorsType
  if (isReadableType(type)) {
    return (destination) => readElements(file, { dtype: type, position: begin }, destination)
  }
  const format = blockFormats.get(dtype)
  if (format) return (destination) => readBlocks(file, { format, position: begin }, destination)
  throw new CheckpointError({
    function: caller,
    argument: file.path,
    expected: `a file in which '${name}' is of F32, F16, BF16, F64, ${[...blockFormats.keys()].join(', ')}`,
    received: dtype,
    remedy: 'Choose a file of another quantization, for instance Q8_0 or Q4_K_M.',
  })
}

async function readBlocks(
  file: SourceFile,
  { format, position }: { format: BlockFormat; position: number },
  destination: Float32Array,
): Promise<void> {
  const bytesOf = (elements: number) => (elements / format.elements) * format.bytes
  const buffer = new Uint8Array(bytesOf(Math.min(chunkElements, destination.length)))
  for (let first = 0; first < destination.length; first += chunkElements) {
    const target = destination.subarray(first, first + chunkElements)
    const bytes = buffer.subarray(0, bytesOf(target.length))
    await file.read(bytes, position + bytesOf(first))
    format.decode(bytes, target)
  }
}
