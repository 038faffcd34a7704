import { CheckpointError, sizeOf } from '@tfx/common'
import { bytesPerElement, isReadableType } from '../weights/number-formats'
import { openShards } from '../weights/shards'
import { openSource, type SourceFile } from '../weights/source-file'
import {
  missingTensor,
  notFloatingPoint,
  requireLength,
  type StoredTensor,
  type WeightsReader,
} from '../weights/weights-reader'
import { findLegacyStorages, readLegacyPickles } from './legacy'
import { isRecord, type PickleValue, type TorchStorage, type TorchTensor, unpickle } from './pickle'
import { torchHost } from './torch-host'
import { readView } from './view'
import { dataPosition, readZipDirectory, type ZipEntry } from './zip'

const caller = 'openTorchFile'

/** Bytes of pickles: a checkpoint of a million tensors needs less, and safetensors has the same limit. */
const maximumPickleBytes = 100_000_000

/** Where the bytes of a storage start in the file. */
type FindStorage = (storage: TorchStorage) => Promise<number>

/**
 * Opens the weights that `torch.save(model.state_dict())` wrote, for instance `pytorch_model.bin`, in the zip format
 * of PyTorch 1.6 and later or the one before. The file is a program for Python's pickle machine; this reader has a
 * small machine of its own, which executes nothing: it knows the opcodes that weights need and a short list of names
 * (storages, tensors, parameters, OrderedDict), and refuses every other. Tensors are read from the file when asked
 * for, also transposed and sliced ones.
 *
 * @param path A file of one dictionary from names to tensors, or the `pytorch_model.bin.index.json` of shards.
 * @throws CheckpointError if there is no such file, it is damaged, holds anything but tensors, or tensors that
 *   take elements of their storage twice (`expand`).
 *
 * @example
 * ```ts
 * const file = await openTorchFile('opus-mt-en-de/pytorch_model.bin')
 * const weight = await file.read('model.shared.weight')
 * await file.close()
 * ```
 */
export async function openTorchFile(path: string): Promise<WeightsReader> {
  if (path.endsWith('.json')) return openShards(path, { caller, extension: '.bin', open: openTorchFile })
  const file = await openSource(path, caller)
  try {
    const start = new Uint8Array(Math.min(4, file.size))
    await file.read(start, 0)
    const signature = Buffer.from(start).toString('hex')
    const { tensors, find } = await readerFor(signature, file)(file)
    return readerOf(file, tensors, find)
  } catch (error) {
    await file.close()
    throw error
  }
}

interface Contents {
  readonly tensors: ReadonlyMap<string, TorchTensor>
  readonly find: FindStorage
}

function readerFor(signature: string, file: SourceFile): (file: SourceFile) => Promise<Contents> {
  if (signature === '504b0304') return openZip
  // Protocol 2, then a long of ten bytes: the magic number.
  if (signature === '80028a0a') return openLegacy
  throw new CheckpointError({
    function: caller,
    argument: file.path,
    expected: 'a file that torch.save wrote',
    received: `one that starts with the bytes '${signature}'`,
    remedy: 'Download it again: a pointer of Git LFS or a page in place of the file would look like this.',
  })
}

async function openZip(file: SourceFile): Promise<Contents> {
  const entries = await readZipDirectory(file)
  // The folder is named after the file that was saved.
  const pickleName = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name))
  const entry = entries.get(pickleName ?? '')
  if (pickleName === undefined || entry === undefined || entry.size > maximumPickleBytes) {
    throw file.corrupt({
      expected: 'a zip file with data.pkl',
      received: entry ? `${entry.size} bytes` : 'none',
    })
  }
  const folder = pickleName.slice(0, -'data.pkl'.length)
  await requireLittleEndian(file, entries.get(`${folder}byteorder`))
  const bytes = await readEntry(file, entry)
  const host = torchHost(file.path)
  const pickle = unpickle(bytes, 0, host)
  if (pickle === undefined) throw host.fail('a pickle that does not end')
  const entryOf = (storage: TorchStorage) => entries.get(`${folder}data/${storage.key}`)
  const tensors = tensorsOf(pickle.value, file)
  for (const { storage } of tensors.values()) {
    const expected = storageBytes(storage)
    const size = entryOf(storage)?.size
    if (size === expected) continue
    throw file.corrupt({
      expected: `a file that holds the ${expected} bytes of storage '${storage.key.slice(0, 80)}'`,
      received: size === undefined ? 'no such entry' : `${size} bytes`,
    })
  }
  return { tensors, find: async (storage) => dataPosition(file, entryOf(storage)!) }
}

async function readEntry(file: SourceFile, entry: ZipEntry): Promise<Uint8Array> {
  const position = await dataPosition(file, entry)
  const bytes = new Uint8Array(entry.size)
  await file.read(bytes, position)
  return bytes
}

async function requireLittleEndian(file: SourceFile, entry: ZipEntry | undefined): Promise<void> {
  // Files before PyTorch 2.1 do not say.
  if (entry === undefined) return
  const order = entry.size <= 8 ? new TextDecoder().decode(await readEntry(file, entry)) : 'unknown'
  if (order === 'little') return
  throw file.corrupt({ expected: 'a file with little-endian numbers', received: `the byte order '${order}'` })
}

async function openLegacy(file: SourceFile): Promise<Contents> {
  const { value, keys, end } = await readLegacyPickles(file, torchHost(file.path), maximumPickleBytes)
  const tensors = tensorsOf(value, file)
  const storages = new Map<string, TorchStorage>()
  for (const { storage } of tensors.values()) {
    const known = storages.get(storage.key)
    if (known !== undefined && (known.dtype !== storage.dtype || known.elements !== storage.elements)) {
      throw file.corrupt({
        expected: 'a file whose tensors agree about their storages',
        received: `two kinds of storage '${storage.key.slice(0, 80)}'`,
      })
    }
    storages.set(storage.key, storage)
  }
  const positions = await findLegacyStorages(file, { keys, start: end }, storages)
  for (const key of storages.keys()) {
    if (!positions.has(key)) {
      throw file.corrupt({
        expected: 'a file that lists the storages of its tensors',
        received: `one without '${key.slice(0, 80)}'`,
      })
    }
  }
  return { tensors, find: async (storage) => positions.get(storage.key)! }
}

/** @throws CheckpointError unless the value is a dictionary from names to tensors. */
function tensorsOf(value: PickleValue, file: SourceFile): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>()
  if (!isRecord(value) || value.kind !== 'dictionary') throw notTensors(file, 'another object')
  for (const [name, entry] of value.entries) {
    if (typeof name !== 'string' || !isRecord(entry) || entry.kind !== 'tensor') {
      throw notTensors(file, `${describe(entry)} under ${describeKey(name)}`, name)
    }
    tensors.set(name, entry)
  }
  return tensors
}

function notTensors(file: SourceFile, received: string, key?: PickleValue): CheckpointError {
  const part = typeof key === 'string' && /^\w{1,40}$/.test(key) ? key : 'model'
  return new CheckpointError({
    function: caller,
    argument: file.path,
    expected: 'a file of one dictionary from names to tensors',
    received,
    remedy: `Save the weights alone in Python: torch.save(torch.load(file)['${part}'], 'pytorch_model.bin').`,
  })
}

function describe(value: PickleValue): string {
  return isRecord(value) ? `a ${value.kind}` : value === null ? 'None' : `a ${typeof value}`
}

function describeKey(key: PickleValue): string {
  return typeof key === 'string' ? `'${key.slice(0, 80)}'` : `a key that is ${describe(key)}`
}

function storageBytes({ elements, dtype }: TorchStorage): number {
  return elements * bytesPerElement[dtype]
}

function readerOf(
  file: SourceFile,
  tensors: ReadonlyMap<string, TorchTensor>,
  find: FindStorage,
): WeightsReader {
  const readInto = async (name: string, destination: Float32Array) => {
    const tensor = tensors.get(name)
    if (tensor === undefined) throw missingTensor(name, { caller, file: file.path })
    const dtype = tensor.storage.dtype
    if (!isReadableType(dtype)) throw notFloatingPoint(name, { caller, file: file.path, dtype })
    requireLength(name, destination, sizeOf(tensor.shape))
    await readView(file, { tensor, dtype, position: await find(tensor.storage) }, destination)
  }
  const infos = new Map<string, StoredTensor>()
  for (const [name, { shape, storage }] of tensors) infos.set(name, { shape, dtype: storage.dtype })
  return {
    tensors: infos,
    readInto,
    async read(name) {
      const destination = new Float32Array(sizeOf(tensors.get(name)?.shape ?? [0]))
      await readInto(name, destination)
      return destination
    },
    close: () => file.close(),
  }
}
