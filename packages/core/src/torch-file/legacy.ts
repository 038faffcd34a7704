import type { SourceFile } from '../weights/source-file'
import { bytesPerElement } from '../weights/number-formats'
import { isRecord, type PickleHost, type PickleValue, type TorchStorage, unpickle } from './pickle'

/** The first pickle of a file before PyTorch 1.6. */
const magic = 0x1950a86a20f9469cfc6cn
const version = 1001
/** Pickles are read in growing pieces, because nothing says how long they are. */
const firstBytes = 1 << 20

/**
 * Reads the pickles of a file that PyTorch wrote before 1.6 (as most opus-mt checkpoints are): the magic number, the
 * protocol's version, facts about the system, the weights, and the keys of the storages. The storages follow.
 *
 * @param limit Bytes that pickles may take together.
 */
export async function readLegacyPickles(
  file: SourceFile,
  host: PickleHost,
  limit: number,
): Promise<{ value: PickleValue; keys: readonly PickleValue[]; end: number }> {
  for (let length = Math.min(firstBytes, file.size); ; length = Math.min(2 * length, file.size, limit)) {
    const bytes = new Uint8Array(length)
    await file.read(bytes, 0)
    const read = parsePickles(bytes, host)
    if (read !== undefined) return read
    if (length === Math.min(file.size, limit)) throw host.fail('a pickle that does not end')
  }
}

function parsePickles(
  bytes: Uint8Array,
  host: PickleHost,
): { value: PickleValue; keys: readonly PickleValue[]; end: number } | undefined {
  const values: PickleValue[] = []
  let end = 0
  for (let index = 0; index < 5; index++) {
    const pickle = unpickle(bytes, end, host)
    if (pickle === undefined) return undefined
    values.push(pickle.value)
    end = pickle.end
  }
  const [found, protocol, system, value, keys] = values
  if (found !== magic || protocol !== version) throw host.fail('another kind of pickle')
  if (!isRecord(keys) || keys.kind !== 'list' || value === undefined) throw host.fail('no list of storages')
  requireLittleEndian(system, host)
  return { value, keys: keys.items, end }
}

function requireLittleEndian(system: PickleValue | undefined, host: PickleHost): void {
  if (!isRecord(system) || system.kind !== 'dictionary') throw host.fail('no facts about the system')
  if (system.entries.get('little_endian') === false) throw host.fail('big-endian numbers')
}

/**
 * Finds the storages that follow the pickles: for each key its number of elements, then its bytes.
 *
 * @returns Where the bytes of each storage start, by key.
 * @throws CheckpointError if they reach beyond the file, or are not those of the tensors.
 */
export async function findLegacyStorages(
  file: SourceFile,
  { keys, start }: { keys: readonly PickleValue[]; start: number },
  storages: ReadonlyMap<string, TorchStorage>,
): Promise<Map<string, number>> {
  const positions = new Map<string, number>()
  const count = new DataView(new ArrayBuffer(8))
  let position = start
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (storage === undefined || positions.has(storage.key)) {
      throw file.corrupt({ expected: 'a file that lists the storages of its tensors', received: 'others' })
    }
    const bytes = storage.elements * bytesPerElement[storage.dtype]
    if (position + 8 + bytes > file.size) {
      throw file.corrupt({
        expected: `a file that holds the ${bytes} bytes of storage '${storage.key.slice(0, 80)}'`,
        received: `a file of ${file.size} bytes`,
      })
    }
    await file.read(new Uint8Array(count.buffer), position)
    if (count.getBigInt64(0, true) !== BigInt(storage.elements)) {
      throw file.corrupt({
        expected: `a file whose storage '${storage.key.slice(0, 80)}' has ${storage.elements} elements`,
        received: `${count.getBigInt64(0, true)}`,
      })
    }
    positions.set(storage.key, position + 8)
    position += 8 + bytes
  }
  return positions
}
