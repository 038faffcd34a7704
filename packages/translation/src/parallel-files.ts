import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { DataError } from '@tfx/common'
import type { Rows } from '@tfx/data'
import type { PairSource, ParallelFiles } from './pair'

/** Whether pairs are in two files. */
export function isParallel(source: PairSource): source is ParallelFiles {
  const given: unknown = source
  if (typeof given !== 'object' || given === null || given instanceof URL) return false
  return 'source' in given && 'target' in given && !(Symbol.iterator in given)
}

/**
 * The rows of two files whose lines correspond, UTF-8 with or without a byte order mark; each names its line.
 *
 * @throws DataError if a file is missing or not UTF-8, or they are of different lengths.
 */
export async function parallelRows({ source, target }: ParallelFiles, caller: string): Promise<Rows> {
  const sides = [await readLines(source, caller), await readLines(target, caller)] as const
  const name = `${basename(String(source))} and ${basename(String(target))}`
  if (sides[0].length !== sides[1].length) {
    throw new DataError({
      function: caller,
      argument: name,
      expected: 'files of as many lines, each the translation of the other',
      received: `${sides[0].length} and ${sides[1].length} lines`,
      remedy: 'Find the line that is missing: from there on no pair would fit.',
    })
  }
  const located = sides[0].map((text, index) => ({
    row: { source: text, target: sides[1][index] },
    location: `line ${index + 1}`,
  }))
  return {
    name,
    async *located() {
      yield* located
    },
    async *[Symbol.asyncIterator]() {
      for (const { row } of located) yield row
    },
  }
}

async function readLines(path: string | URL, caller: string): Promise<string[]> {
  const fault = (received: string, cause?: unknown) =>
    new DataError({
      function: caller,
      argument: String(path),
      expected: 'a file of UTF-8 text',
      received,
      remedy: 'Correct the path, or convert the file to UTF-8.',
      cause,
    })
  // A number would be read as that of an open file.
  if (typeof path !== 'string' && !((path as unknown) instanceof URL)) throw fault(`of type ${typeof path}`)
  let bytes: Uint8Array
  try {
    const stored = await readFile(path)
    bytes = String(path).toLowerCase().endsWith('.gz') ? await promisify(gunzip)(stored) : stored
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw fault(isMissing ? 'missing' : String(cause), cause)
  }
  try {
    const lines = new TextDecoder('utf-8', { fatal: true }).decode(bytes).split(/\r?\n/)
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines
  } catch (cause) {
    throw fault('other bytes', cause)
  }
}
