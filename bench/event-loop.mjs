// Answers pings over HTTP while a model of MiniLM's size (random weights) is trained, predicts and is saved, and while a
// chat model is aborted again and again; prints the largest delay of the event loop, with a thread and without.
//
//     npm run build && node bench/event-loop.mjs [--steps 12] [--chat DIRECTORY]
//
// The chat model is @tfx/base-decoder, or that of the directory.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { load, packageDirectory, transfer } from './ours/packages.mjs'

/** Milliseconds between two looks of the monitor; no delay is measured as less. */
const resolution = 5

if (isMainThread) await compare()
else await ping(workerData)

async function compare() {
  const { values } = parseArgs({
    options: {
      steps: { type: 'string', default: '12' },
      chat: { type: 'string', default: packageDirectory('base-decoder') },
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'tfx-event-loop-'))
  const maxSteps = Number(values.steps)
  try {
    writeBase(folder)
    for (const thread of [true, false]) {
      const who = thread ? 'with a thread' : 'without one'
      await report(`training, ${who}`, () => work(folder, { thread, maxSteps }))
      await report(`aborted replies, ${who}`, () => abortReplies(values.chat, { thread }))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function report(what, task) {
  const { largest, pings, slowest } = await measure(task)
  console.log(
    `${what}: largest delay ${largest.toFixed(1)} ms; ${pings} pings, slowest ${slowest.toFixed(1)} ms`,
  )
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

/** Twenty replies, each aborted after some more tokens than the one before. */
async function abortReplies(directory, options) {
  const bot = await load(directory, options)
  for (let reply = 1; reply <= 20; reply++) {
    const controller = new AbortController()
    const tokens = []
    try {
      const messages = [{ role: 'user', content: `Tell me story number ${reply}.` }]
      for await (const token of bot.chat(messages, {
        signal: controller.signal,
        temperature: 1,
        seed: reply,
      }))
        if (tokens.push(token) === reply) controller.abort()
    } catch (error) {
      if (!controller.signal.aborted) throw error
    }
  }
  await bot.dispose()
}

async function measure(task) {
  const server = createServer((_, response) => response.end('pong')).listen(0, '127.0.0.1')
  // Where the event loop is blocked for seconds, a connection would end in the middle of a request.
  server.keepAliveTimeout = 0
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
