import { CheckpointError } from '@tfx/common'
import type { GgufValue } from './header'
import type { GgufReader } from './read'

/** Of a file, what its metadata is read from. */
export type GgufFacts = Pick<GgufReader, 'metadata' | 'path' | 'tensors'>

/** The error of a GGUF file whose metadata does not say what is needed, or something that tfx does not compute. */
export function metadataError(
  file: GgufFacts,
  {
    key,
    expected,
    received,
    remedy,
  }: { key: string; expected: string; received: GgufValue | undefined; remedy?: string },
): CheckpointError {
  return new CheckpointError({
    function: 'loadCheckpoint',
    argument: `${key} of ${file.path}`,
    expected,
    received: describe(received),
    remedy: remedy ?? 'Choose another GGUF file, or the safetensors of the same model.',
  })
}

function describe(value: GgufValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object') return `a list of ${value.length}`
  return typeof value === 'string' ? `'${value.slice(0, 80)}'` : String(value)
}

function optional<T>(read: (file: GgufFacts, key: string, value: GgufValue) => T) {
  return (file: GgufFacts, key: string): T | undefined => {
    const value = file.metadata.get(key)
    return value === undefined ? undefined : read(file, key, value)
  }
}

/** A text, or undefined where the key is absent. @throws CheckpointError if it is something else. */
export const textOf = optional((file, key, value) => {
  if (typeof value === 'string') return value
  throw metadataError(file, { key, expected: 'a text', received: value })
})

/** True or false, or undefined where the key is absent. @throws CheckpointError if it is something else. */
export const flagOf = optional((file, key, value) => {
  if (typeof value === 'boolean') return value
  throw metadataError(file, { key, expected: 'true or false', received: value })
})

/** A number of at least 0, or undefined where the key is absent. @throws CheckpointError if it is something else. */
export const numberOf = optional((file, key, value) => {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number === 'number' && number >= 0 && number <= Number.MAX_SAFE_INTEGER) return number
  throw metadataError(file, { key, expected: 'a number of at least 0', received: value })
})

/** A list of texts, or undefined where the key is absent. @throws CheckpointError if it is something else. */
export const textsOf = optional<readonly string[]>((file, key, value) => {
  const isText = (entry: unknown) => typeof entry === 'string'
  if (Array.isArray(value) && value.every(isText)) return value
  throw metadataError(file, { key, expected: 'a list of texts', received: value })
})

/** A list of numbers, or undefined where the key is absent. @throws CheckpointError if it is something else. */
export const numbersOf = optional<readonly number[]>((file, key, value) => {
  const isNumber = (entry: unknown): entry is number => typeof entry === 'number' && !Number.isNaN(entry)
  if (Array.isArray(value) && value.every(isNumber)) return value
  throw metadataError(file, { key, expected: 'a list of numbers', received: value })
})

/** What a key must have. @throws CheckpointError if it is absent. */
export function required<T>(
  read: (file: GgufFacts, key: string) => T | undefined,
  file: GgufFacts,
  key: string,
): T {
  const value = read(file, key)
  if (value !== undefined) return value
  throw metadataError(file, { key, expected: 'a file that says it', received: undefined })
}
