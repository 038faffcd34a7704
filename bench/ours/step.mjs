// Times our training step on request: the counterpart of ../reference/step.py, with the same protocol.
//
//     node bench/ours/step.mjs --model NAME --batch 16 --length 64 [--target 32]
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { modelFamily, readConfig } from './packages.mjs'
import { applyGradients, createTraining, peakMemoryMegabytes, randomBatch } from './training-step.mjs'

const warmUpSteps = 3
const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    batch: { type: 'string' },
    length: { type: 'string' },
    target: { type: 'string', default: '32' },
  },
})
const shape = [Number(options.batch), Number(options.length)]
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)

const models = JSON.parse(readFileSync(new URL('../models.json', import.meta.url), 'utf8'))
const config = readConfig(models[options.model])
const training = await createTraining(config, { shape, target: Number(options.target) })
const batch = randomBatch(...shape, {
  kind: modelFamily(config.modelType).kind,
  target: Number(options.target),
})
let count = 0

async function step() {
  count++
  const started = performance.now()
  await training.program.run(batch, { seed: count })
  const differentiated = performance.now()
  await applyGradients(training, { step: count, learningRate: 5e-5 })
  const ended = performance.now()
  return { whole: ended - started, optimizer: ended - differentiated }
}

for (let index = 0; index < warmUpSteps; index++) await step()
say({ ready: { node: process.version } })
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(' ')
  if (command === 'run') {
    const times = []
    while (times.length < Number(argument)) times.push(await step())
    say({
      milliseconds: times.map(({ whole }) => whole),
      optimizerMilliseconds: times.map(({ optimizer }) => optimizer),
    })
  } else if (command === 'quit') {
    say({ peakMB: peakMemoryMegabytes() })
    break
  }
}
process.exit(0)
