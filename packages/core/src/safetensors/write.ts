import { randomUUID } from 'node:crypto'
import { open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ArgumentError, describeWriteFailure, sizeOf } from '@tfx/common'
import { bytesPerElement, encodeElements, type WritableType } from '../weights/number-formats'

/** A tensor to write. */
export interface TensorToWrite {
  readonly name: string
  readonly shape: readonly number[]
  /** How its numbers are stored; F16 and BF16 round to nearest, ties to even. Default F32. */
  readonly dtype?: WritableType
  /** Its numbers, row-major; asked for only when their turn comes. */
  data(): Float32Array | Promise<Float32Array>
}

/** Options of {@link writeSafetensors}. */
export interface WriteSafetensorsOptions {
  /** Default `{ format: 'pt' }`, without which Python transformers refuses the file. */
  metadata?: Readonly<Record<string, string>>
  /** Bytes of tensors in one file; beyond it the file is split into shards. Default 5e9, as Hugging Face. */
  maxShardSize?: number
}

type Tensor = TensorToWrite & { readonly dtype: WritableType; readonly bytes: number }

/** Elements that are converted at a time. */
const chunkElements = 262_144

/**
 * Writes a [safetensors](https://github.com/huggingface/safetensors) file, tensor by tensor. It takes its name only
 * when it is complete.
 *
 * @param path The file, for instance `model.safetensors`. Beyond `maxShardSize` there are
 *   `model-00001-of-00002.safetensors`, … and `model.safetensors.index.json` instead.
 * @returns The names of the files, in the directory of `path`.
 * @throws ArgumentError if two tensors have one name, or a tensor's numbers do not fit its shape.
 * @throws FileSystemError if it cannot be written, for instance without space on the disk.
 *
 * @example
 * ```ts
 * const weight = { name: 'weight', shape: [2], data: () => new Float32Array([1, 2]) }
 * await writeSafetensors('model.safetensors', [weight])
 * ```
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  { metadata = { format: 'pt' }, maxShardSize = 5e9 }: WriteSafetensorsOptions = {},
): Promise<string[]> {
  const shards = splitIntoShards(describe(tensors), maxShardSize)
  if (shards.length === 1) {
    await writeFileOf(path, shards[0]!, metadata)
    return [basename(path)]
  }
  const stem = basename(path).replace(/\.safetensors$/, '')
  const count = String(shards.length).padStart(5, '0')
  const weightMap: Record<string, string> = {}
  const files: string[] = []
  for (const [index, shard] of shards.entries()) {
    const file = `${stem}-${String(index + 1).padStart(5, '0')}-of-${count}.safetensors`
    await writeFileOf(join(dirname(path), file), shard, metadata)
    for (const { name } of shard) weightMap[name] = file
    files.push(file)
  }
  const totalSize = shards.flat().reduce((size, { bytes }) => size + bytes, 0)
  const index = { metadata: { total_size: totalSize }, weight_map: weightMap }
  await writeFile(`${path}.index.json`, `${JSON.stringify(index, undefined, 2)}\n`)
  return [...files, `${basename(path)}.index.json`]
}

function describe(tensors: Iterable<TensorToWrite>): Tensor[] {
  const names = new Set<string>(['__metadata__'])
  return Array.from(tensors, (tensor) => {
    const { name, shape, dtype = 'F32' } = tensor
    if (names.has(name)) {
      throw new ArgumentError({
        function: 'writeSafetensors',
        argument: 'tensors',
        expected: 'a list of tensors with different names',
        received: `'${name}' twice or reserved`,
        remedy: 'Give every tensor its own name.',
      })
    }
    names.add(name)
    // Not a spread: `data` may be a method that needs its object.
    return { name, shape, dtype, bytes: sizeOf(shape) * bytesPerElement[dtype], data: () => tensor.data() }
  })
}

/** In the given order, each file as full as allowed; a tensor above the limit gets a file of its own. */
function splitIntoShards(tensors: readonly Tensor[], maxShardSize: number): Tensor[][] {
  const shards: Tensor[][] = [[]]
  let size = 0
  for (const tensor of tensors) {
    if (size > 0 && size + tensor.bytes > maxShardSize) {
      shards.push([])
      size = 0
    }
    shards.at(-1)?.push(tensor)
    size += tensor.bytes
  }
  return shards
}

async function writeFileOf(
  path: string,
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    const handle = await open(temporary, 'wx')
    try {
      await writeTensors(handle, tensors, metadata)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw describeWriteFailure(error, { caller: 'writeSafetensors', directory: path })
  }
}

async function writeTensors(
  handle: FileHandle,
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  // Wider elements first, so that every tensor starts at a multiple of its element size.
  const ordered = [...tensors].sort((a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype])
  await writeFully(handle, headerBytes(ordered, metadata))
  for (const tensor of ordered) {
    const values = await tensor.data()
    if (values.length !== sizeOf(tensor.shape)) {
      throw new ArgumentError({
        function: 'writeSafetensors',
        argument: tensor.name,
        expected: `${sizeOf(tensor.shape)} numbers, as its shape [${tensor.shape.join(', ')}] says`,
        received: `${values.length}`,
        remedy: 'Make `shape` and `data` agree.',
      })
    }
    for (let first = 0; first < values.length; first += chunkElements) {
      await writeFully(handle, encodeElements(tensor.dtype, values.subarray(first, first + chunkElements)))
    }
  }
}

function headerBytes(tensors: readonly Tensor[], metadata: Readonly<Record<string, string>>): Uint8Array {
  let position = 0
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const begin = position
    position += bytes
    return [name, { dtype, shape, data_offsets: [begin, position] }] as const
  })
  // fromEntries, not assignment, keeps a tensor named '__proto__'.
  const json = Buffer.from(JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries])))
  const padded = Math.ceil(json.length / 8) * 8
  const bytes = Buffer.alloc(8 + padded, ' ')
  bytes.writeBigUInt64LE(BigInt(padded))
  json.copy(bytes, 8)
  return bytes
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done)
    done += bytesWritten
  }
}
