import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { DataError } from '@tfx/common'
import type { TextExample } from './chat-example'

/** UTF-16 units of a part of a file: a hundredth of it, within these. */
const partLengths = { least: 256, most: 4096 }

/** Whether a data set is a file of plain text. */
export const isTextFile = (dataset: unknown): dataset is string | URL =>
  (typeof dataset === 'string' || dataset instanceof URL) && /\.txt(\.gz)?$/i.test(String(dataset))

/**
 * Reads a file of plain text, in parts that end at the end of a line: so a share of it can be set aside.
 *
 * @throws DataError if it cannot be read, is no UTF-8, or is empty.
 */
export async function readTextFile(file: string | URL, caller: string): Promise<TextExample[]> {
  const path = file instanceof URL || file.startsWith('file:') ? fileURLToPath(file) : file
  const fail = (expected: string, received: string, cause?: unknown) =>
    new DataError({
      function: caller,
      argument: path,
      expected,
      received,
      remedy: 'Check the path and the encoding of the file.',
      cause,
    })
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
    if (/\.gz$/i.test(path)) bytes = await promisify(gunzip)(bytes)
  } catch (cause) {
    throw fail('a file that can be read', (cause as Error).message, cause)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw fail('text in UTF-8', 'other bytes', cause)
  }
  if (text.trim() === '') throw fail('a text', 'an empty file')
  return partsOf(text).map((part, index) => ({ text: part, continues: index > 0 }))
}

/** Cuts a text where a line ends and another begins with a letter: no tokenizer joins what is on both sides. */
function partsOf(text: string): string[] {
  const parts: string[] = []
  const partLength = Math.min(Math.max(text.length / 100, partLengths.least), partLengths.most)
  let start = 0
  const ends = /\n(?=\S)/g
  while (start < text.length) {
    ends.lastIndex = start + Math.floor(partLength)
    const found = ends.exec(text)
    const end = found ? found.index + 1 : text.length
    parts.push(text.slice(start, end))
    start = end
  }
  return parts
}
