// node main.js [--port 8080] [--base <hub id, directory or npm package>]    serves until it is stopped
// node main.js --demo    trains twice, asks meanwhile, prints the largest delay of the event loop, and ends
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readReviews } from '../sentiment/reviews.js'
import { createSentimentServer } from './server.js'

const { values } = parseArgs({
  options: {
    demo: { type: 'boolean', default: false },
    port: { type: 'string', default: '8080' },
    base: { type: 'string', default: '@tfx/base-encoder' },
  },
})
const { server, close } = await createSentimentServer({ base: values.base })
server.listen(values.demo ? 0 : Number(values.port), '127.0.0.1')
await once(server, 'listening')
const address = `http://127.0.0.1:${server.address().port}`
console.log(`serving at ${address}`)
if (values.demo) await demo()
else process.once('SIGINT', close)

async function demo() {
  const { train } = readReviews()
  console.log('first training', await post('/train', csv(train.slice(0, 160))))

  const delays = monitorEventLoopDelay({ resolution: 5 })
  delays.enable()
  let isTraining = true
  const training = post('/train', csv(train.slice(0, 320))).finally(() => (isTraining = false))
  const answers = []
  while (isTraining) {
    const started = performance.now()
    const { label } = await post('/predict', 'Loved every minute of it.')
    answers.push({ label, milliseconds: performance.now() - started })
    await setTimeout(50)
  }
  console.log('second training', await training)
  delays.disable()
  const slowest = Math.max(...answers.map(({ milliseconds }) => milliseconds))
  console.log(`${answers.length} answers meanwhile, the slowest in ${slowest.toFixed(0)} ms`)
  // A timer of 5 ms is never early: what is above is delay.
  console.log(`largest delay of the event loop: ${(delays.max / 1e6 - 5).toFixed(1)} ms`)
  await close()
}

async function post(path, body) {
  const response = await fetch(address + path, { method: 'POST', body })
  return response.json()
}

function csv(rows) {
  const field = (value) => `"${value.replaceAll('"', '""')}"`
  return ['text,label', ...rows.map(({ text, label }) => `${field(text)},${field(label)}`)].join('\n')
}
