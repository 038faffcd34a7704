import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, expect, it } from 'vitest'
import { readRows } from '../src/index'

const directory = mkdtempSync(join(tmpdir(), 'tfx-data-'))
afterAll(() => rmSync(directory, { recursive: true }))

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes that are really in use: heap and buffers, after a collection. */
function bytesInUse(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const rowCount = 50_000
const text = 'a film of a thousand bytes '.repeat(38)

it.each([
  ['csv', 'text,label\n', `"${text}",1\n`],
  ['jsonl', '', `${JSON.stringify({ text, label: 1 })}\n`],
])('reads 50 MB of %s in constant memory', async (extension, head, line) => {
  const path = join(directory, `big.${extension}`)
  const file = createWriteStream(path)
  file.write(head)
  for (let block = 0; block < rowCount / 1000; block++) {
    if (!file.write(line.repeat(1000))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')

  let rows = 0
  let most = 0
  const before = bytesInUse()
  for await (const row of readRows(path)) {
    if (row.text !== text) throw new Error('a row differs')
    if (++rows % 10_000 === 1) most = Math.max(most, bytesInUse())
  }
  expect(rows).toBe(rowCount)
  expect(most - before).toBeLessThan(8 * 2 ** 20)
})
