import type { CheckpointError } from '@tfx/common'
import { bytesPerElement, type SafetensorsType } from '../weights/number-formats'
import { corruptFile as corrupt } from '../weights/source-file'
import { repeatedKey } from './repeated-key'

/** The limit of the reference implementation: a longer header is taken for a corrupt or hostile file. */
export const maximumHeaderBytes = 100_000_000

/** What a tensor in a safetensors file is. */
export interface TensorInfo {
  readonly dtype: SafetensorsType
  readonly shape: readonly number[]
}

/** A tensor's place: bytes [begin, end) after the header. */
export interface TensorEntry extends TensorInfo {
  readonly begin: number
  readonly end: number
}

/** A parsed and checked header. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>
  readonly metadata: Readonly<Record<string, string>>
}

function corruptFile(
  file: string,
  problem: { expected: string; received: string; cause?: unknown },
): CheckpointError {
  return corrupt(file, { caller: 'openSafetensors', ...problem })
}

/**
 * Parses the JSON header and checks it against the size of the file, as the reference implementation does:
 * known element types, shapes that match their bytes, and tensors that fill the data without gap or overlap.
 *
 * @param bytes The header without its length.
 * @param where The file's name for errors, and the number of bytes after the header.
 * @throws CheckpointError
 */
export function parseHeader(
  bytes: Uint8Array,
  where: { file: string; dataBytes: number },
): SafetensorsHeader {
  const json = parseJson(bytes, where.file)
  const tensors = new Map<string, TensorEntry>()
  let metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = parseMetadata(value, where.file)
    else tensors.set(name, parseEntry(name, value, where))
  }
  requireContiguous(tensors, where)
  return { tensors, metadata }
}

function parseJson(bytes: Uint8Array, file: string): Record<string, unknown> {
  const expected = 'a safetensors file whose header is a JSON object'
  let text: string
  let json: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    json = JSON.parse(text)
  } catch (cause) {
    throw corruptFile(file, { expected, received: 'a header that is not JSON', cause })
  }
  if (!isRecord(json)) throw corruptFile(file, { expected, received: 'another JSON value' })
  const repeated = repeatedKey(text)
  if (repeated !== undefined) {
    throw corruptFile(file, {
      expected: 'a safetensors file whose header names everything once',
      received: `'${repeated}' twice`,
    })
  }
  return json
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  const valid = isRecord(value) && Object.values(value).every((text) => typeof text === 'string')
  if (valid) return value as Record<string, string>
  throw corruptFile(file, {
    expected: 'a safetensors file whose __metadata__ is an object of strings',
    received: shorten(value),
  })
}

function parseEntry(
  name: string,
  value: unknown,
  { file, dataBytes }: { file: string; dataBytes: number },
): TensorEntry {
  const wrong = (expected: string, received: unknown) =>
    corruptFile(file, {
      expected: `a safetensors file in which '${name}' has ${expected}`,
      received: shorten(received),
    })
  if (!isRecord(value)) throw wrong('dtype, shape and data_offsets', value)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !Object.hasOwn(bytesPerElement, dtype)) {
    throw wrong(`a dtype of ${Object.keys(bytesPerElement).join(', ')}`, dtype)
  }
  const type = dtype as SafetensorsType
  if (!isSizes(shape)) throw wrong('a shape of whole numbers', shape)
  if (!isSizes(offsets) || offsets.length !== 2) throw wrong('two data_offsets', offsets)
  const [begin, end] = offsets as [number, number]
  if (begin > end || end > dataBytes)
    throw wrong(`data_offsets within the ${dataBytes} bytes of data`, offsets)
  const bytes = shape.reduce((size, dimension) => size * dimension, bytesPerElement[type])
  if (bytes !== end - begin) throw wrong(`${bytes} bytes, as its dtype and shape say`, `${end - begin} bytes`)
  return { dtype: type, shape, begin, end }
}

function requireContiguous(
  tensors: ReadonlyMap<string, TensorEntry>,
  { file, dataBytes }: { file: string; dataBytes: number },
): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  let position = 0
  for (const [name, { begin, end }] of inOrder) {
    if (begin !== position) {
      throw corruptFile(file, {
        expected: `a safetensors file in which '${name}' starts where the tensor before it ends`,
        received:
          begin < position ? `an overlap of ${position - begin} bytes` : `a gap of ${begin - position} bytes`,
      })
    }
    position = end
  }
  if (position !== dataBytes) {
    throw corruptFile(file, {
      expected: `a safetensors file with ${position} bytes of data, as its header says`,
      received: `${dataBytes} bytes`,
    })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}

function shorten(value: unknown): string {
  if (value === undefined) return 'nothing'
  let text: string
  try {
    text = typeof value === 'string' ? value : JSON.stringify(value)
  } catch {
    // Brackets that nest deeper than the stack: parsing copes with them, writing does not.
    return 'a deeply nested value'
  }
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
