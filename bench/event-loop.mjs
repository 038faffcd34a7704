// Answers pings over HTTP while a model of MiniLM's size (random weights) is trained, predicts and is saved; prints the
// largest delay of the event loop, with a thread and without.
//
//     npm run build && node bench/event-loop.mjs [--steps 12]
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { transfer } from './ours/packages.mjs'

/** Milliseconds between two looks of the monitor; no delay is measured as less. */
const resolution = 5

if (isMainThread) await compare()
else await ping(workerData)

async function compare() {
  const { values } = parseArgs({ options: { steps: { type: 'string', default: '12' } } })
  const folder = mkdtempSync(join(tmpdir(), 'tfx-event-loop-'))
  try {
    writeBase(folder)
    for (const thread of [true, false]) {
      const options = { thread, maxSteps: Number(values.steps) }
      const { largest, pings, slowest } = await measure(() => work(folder, options))
      const who = thread ? 'with a thread' : 'without one'
      console.log(
        `${who}: largest delay ${largest.toFixed(1)} ms; ${pings} pings, slowest ${slowest.toFixed(1)} ms`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The shape of MiniLM with the tokenizer of the small base; the weights are not read. */
function writeBase(folder) {
  const small = fileURLToPath(new URL('../packages/base-encoder/', import.meta.url))
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'model.safetensors'])
    copyFileSync(join(small, file), join(folder, file))
  const { minilm } = JSON.parse(readFileSync(new URL('models.json', import.meta.url), 'utf8'))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(minilm))
}

async function work(base, options) {
  const words = 'a film of some length about nothing at all that was great or awful in the end'.split(' ')
  const rows = Array.from({ length: 256 }, (_, row) => ({
    text: Array.from({ length: 48 }, (_, i) => words[(row * 7 + i * (1 + (row % 5))) % words.length]).join(
      ' ',
    ),
    label: row % 2 ? 'good' : 'bad',
  }))
  const settings = { batchSize: 16, fromScratch: true, validation: false, progress: false }
  const model = await transfer(base, rows, { ...settings, ...options })
  await model.predict(rows.slice(0, 64))
  await model.evaluate(rows.slice(0, 64))
  await model.save(join(base, `saved-${options.thread}`))
  await model.dispose()
}

async function measure(task) {
  const server = createServer((_, response) => response.end('pong')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const pinger = new Worker(new URL(import.meta.url), { workerData: server.address().port })
  await once(pinger, 'message')
  const delays = monitorEventLoopDelay({ resolution })
  delays.enable()
  await task()
  delays.disable()
  pinger.postMessage('stop')
  const [result] = await once(pinger, 'message')
  server.close()
  server.closeAllConnections()
  return { ...result, largest: delays.max / 1e6 - resolution }
}

/** Asks until it is told to stop. */
async function ping(port) {
  let [pings, slowest, isOn] = [0, 0, true]
  parentPort.once('message', () => (isOn = false))
  await fetch(`http://127.0.0.1:${port}`)
  parentPort.postMessage('ready')
  while (isOn) {
    const started = performance.now()
    await (await fetch(`http://127.0.0.1:${port}`)).text()
    slowest = Math.max(slowest, performance.now() - started)
    pings++
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  parentPort.postMessage({ pings, slowest })
}
