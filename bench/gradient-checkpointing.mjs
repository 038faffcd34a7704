// What gradient checkpointing saves and costs: the peak of the resident set and the time of a training step, with and
// without, in processes that take turns.
//
//     node bench/gradient-checkpointing.mjs [--only TEXT] [--rounds 2] [--steps 3] [--threads N]
//
// Weights, gradients and optimizer state, 16 bytes per parameter, are there either way. What the rest takes is the peak
// less that of a process with one short row, which has all of the former and hardly any activations. Beside the clock's
// time stands the processor's (all threads), which other work on the machine disturbs less.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { modelFamily, readConfig } from './ours/packages.mjs'
import { applyGradients, createTraining, peakMemoryMegabytes, randomBatch } from './ours/training-step.mjs'

const cases = [
  { label: 'MiniLM-L6, 64 × 128', model: 'minilm', batch: 64, length: 128 },
  { label: 'BERT-base, 16 × 64', model: 'bert', batch: 16, length: 64 },
  { label: 'BERT-base, 32 × 128', model: 'bert', batch: 32, length: 128 },
  { label: 'GPT-2 small, 4 × 128', model: 'gpt2', batch: 4, length: 128 },
]
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '2' },
    steps: { type: 'string', default: '3' },
    threads: { type: 'string' },
    child: { type: 'string' },
  },
})

if (options.child) await measure(JSON.parse(options.child))
else {
  const chosen = cases.filter(({ label }) => label.includes(options.only))
  for (const entry of chosen) report(entry)
}

/** In a process of its own: some steps after one to warm up. */
async function measure({ model, batch, length, gradientCheckpointing }) {
  const models = JSON.parse(readFileSync(new URL('models.json', import.meta.url), 'utf8'))
  const config = readConfig(models[model])
  const threads = options.threads && Number(options.threads)
  const training = await createTraining(config, { gradientCheckpointing, threads })
  const data = randomBatch(batch, length, { kind: modelFamily(config.modelType).kind })
  const [times, processorTimes] = [[], []]
  for (let step = 1; step <= 1 + Number(options.steps); step++) {
    const [started, used] = [performance.now(), process.cpuUsage()]
    await training.program.run(data, { seed: step })
    await applyGradients(training, { step, learningRate: 5e-5 })
    const { user, system } = process.cpuUsage(used)
    times.push(performance.now() - started)
    processorTimes.push((user + system) / 1000)
  }
  const result = {
    times: times.slice(1),
    processorTimes: processorTimes.slice(1),
    peak: peakMemoryMegabytes(),
  }
  console.log(JSON.stringify(result))
  process.exit(0)
}

function report({ label, ...entry }) {
  const sides = {
    without: { ...entry, gradientCheckpointing: false },
    with: { ...entry, gradientCheckpointing: true },
  }
  const base = inChild({ ...sides.without, batch: 1, length: 8 }).peak
  const rounds = Array.from({ length: Number(options.rounds) }, () => ({
    without: inChild(sides.without),
    with: inChild(sides.with),
  }))
  const of = (side, field) => median(rounds.flatMap((round) => round[side][field]))
  const row = (name, field, unit, less = 0) => {
    const [a, b] = [of('without', field) - less, of('with', field) - less]
    console.log(`  ${name.padEnd(16)} ${a.toFixed(0)} → ${b.toFixed(0)} ${unit}, × ${(b / a).toFixed(2)}`)
  }
  console.log(label)
  row('peak', 'peak', 'MB')
  row('activations', 'peak', 'MB', base)
  row('step', 'times', 'ms')
  row('processor time', 'processorTimes', 'ms')
}

function inChild(settings) {
  const own = process.argv.slice(2)
  const args = [fileURLToPath(import.meta.url), ...own, '--child', JSON.stringify(settings)]
  const { stdout, status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error(`${JSON.stringify(settings)} failed; see above.`)
  return JSON.parse(stdout.toString().trim().split('\n').at(-1))
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
