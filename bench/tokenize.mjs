// Whether encoding can be what training waits for: texts and tokens a second of `encode`, alone and on worker threads, and
// what a data set's tokens cost that are kept on disk.
//
//     node bench/tokenize.mjs --texts FILE --tokenizer PATH [--tokenizer PATH …] [--count 50000] [--workers 2]
//
// FILE has a text a line (of a TSV its last column); they are repeated up to `count`, each time with other numbers at their
// end. A tokenizer is a tokenizer.json, or a directory with one or with GPT-2's vocab.json and merges.txt. Times are
// the process's CPU seconds, which other programs disturb less; wall seconds stand behind them. PYTHON names an
// interpreter with `tokenizers`, which is then measured too, on one thread.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { createTokenizer, encodeTexts } from './ours/packages.mjs'
import { tokenizerParts } from './ours/tokenizer-parts.mjs'

/** Tokens that a training step takes in a second: MiniLM-L6 on two cores (16 × 64 in 232 ms), and on a large GPU, as a guess. */
const consumers = { 'two cores': (16 * 64) / 0.232, 'a large GPU': 100_000 }

/** Texts sent to a worker at a time. */
const chunkSize = 1000

if (isMainThread) await main()
else serve()

async function main() {
  const { values } = parseArgs({
    options: {
      texts: { type: 'string' },
      tokenizer: { type: 'string', multiple: true, default: ['packages/base-encoder'] },
      count: { type: 'string', default: '50000' },
      workers: { type: 'string', default: '2' },
    },
  })
  const texts = readTexts(values.texts, Number(values.count))
  for (const directory of values.tokenizer) {
    const parts = tokenizerParts(directory)
    console.log(`\n${directory}, ${parts.tokenizer.model.type ?? 'no type named'}, ${texts.length} texts`)
    await measure(parts, { directory, texts, workers: Number(values.workers) })
  }
}

async function measure(parts, { directory, texts, workers }) {
  let tokenizer
  await timed('open', () => (tokenizer = createTokenizer(parts)))
  const tokens = tokenizer.encodeBatch(texts).reduce((sum, { inputIds }) => sum + inputIds.length, 0)
  const fresh = createTokenizer(parts)
  const seconds = await timed('encode', () => fresh.encodeBatch(texts), { texts: texts.length, tokens })
  await timed(`${workers} workers`, () => encodeOnWorkers(directory, texts, workers), {
    texts: texts.length,
    tokens,
  })
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'tfx-bench-'))
  await timed('encode and keep', () => encodeTexts(tokenizer, texts, { cacheDirectory }))
  await timed('take from disk', () => encodeTexts(tokenizer, texts, { cacheDirectory }))
  rmSync(cacheDirectory, { recursive: true })
  if (process.env.PYTHON) measurePython(directory, texts, tokens)
  for (const [name, rate] of Object.entries(consumers)) {
    const share = (100 * seconds * rate) / tokens
    console.log(`  ${name}: encoding takes ${share.toFixed(1)} % of the time of one epoch`)
  }
}

async function timed(label, action, counts) {
  const start = performance.now()
  const before = process.cpuUsage()
  await action()
  const { user, system } = process.cpuUsage(before)
  const [cpu, wall] = [(user + system) / 1e6, (performance.now() - start) / 1000]
  const rates = counts
    ? `, ${Math.round(counts.texts / cpu)} texts/s, ${Math.round(counts.tokens / cpu)} tokens/s`
    : ''
  console.log(`  ${label}: ${cpu.toFixed(2)} s of CPU${rates} (${wall.toFixed(2)} s wall)`)
  return cpu
}

function readTexts(file, count) {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return Array.from({ length: count }, (_, index) => {
    const round = Math.floor(index / lines.length)
    const text = lines[index % lines.length].split('\t').at(-1)
    return round === 0 ? text : `${text} ${index}`
  })
}

/** Each worker makes the tokenizer and is handed chunks; ids come back without a copy. */
async function encodeOnWorkers(directory, texts, count) {
  const encoded = new Array(texts.length)
  let next = 0
  const run = async (worker) => {
    try {
      while (next < texts.length) {
        const start = next
        next += chunkSize
        const { ids, lengths } = await answer(worker, texts.slice(start, start + chunkSize))
        let place = 0
        lengths.forEach((length, index) => {
          const inputIds = Array.from(ids.subarray(place, place + length))
          encoded[start + index] = { inputIds, attentionMask: new Array(length).fill(1) }
          place += length
        })
      }
    } finally {
      await worker.terminate()
    }
  }
  const url = new URL(import.meta.url)
  await Promise.all(Array.from({ length: count }, () => run(new Worker(url, { workerData: directory }))))
  return encoded
}

async function answer(worker, texts) {
  worker.postMessage(texts)
  const [message] = await once(worker, 'message')
  return message
}

function serve() {
  const tokenizer = createTokenizer(tokenizerParts(workerData))
  parentPort.on('message', (texts) => {
    const encoded = tokenizer.encodeBatch(texts).map(({ inputIds }) => inputIds)
    const lengths = Int32Array.from(encoded, ({ length }) => length)
    const ids = Int32Array.from(encoded.flat())
    parentPort.postMessage({ ids, lengths }, [ids.buffer, lengths.buffer])
  })
}

function measurePython(directory, texts, tokens) {
  const folder = mkdtempSync(join(tmpdir(), 'tfx-bench-'))
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizerParts(directory).tokenizer))
  writeFileSync(join(folder, 'texts.json'), JSON.stringify(texts))
  const output = execFileSync(process.env.PYTHON, ['bench/reference/encode_texts.py', folder], {
    encoding: 'utf8',
    env: { ...process.env, TOKENIZERS_PARALLELISM: 'false' },
  })
  rmSync(folder, { recursive: true })
  const { seconds, tokens: theirs } = JSON.parse(output)
  const same = theirs === tokens ? 'as many tokens' : `${theirs} tokens, ours ${tokens}`
  console.log(
    `  Python's tokenizers: ${seconds.toFixed(2)} s of CPU, ${Math.round(theirs / seconds)} tokens/s (${same})`,
  )
}
