// Training steps of one model in several ways: the peak of the resident set and the time of a step, in processes that take turns.
//
// What grows with the batch is the peak less that of a process with one short row, which has hardly any activations. Beside the clock's time stands the processor's (all threads), which other work on the
// machine disturbs less.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { modelFamily, readConfig } from './packages.mjs'
import { applyGradients, createTraining, peakMemoryMegabytes, randomBatch } from './training-step.mjs'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '2' },
    steps: { type: 'string', default: '3' },
    threads: { type: 'string' },
    child: { type: 'string' },
  },
})

/**
 * @param cases `label`, `model` of models.json, `batch` and `length` each.
 * @param sides Names with the options of `createTraining` by which they differ; the first is what the others are compared with.
 */
export async function compareSteps(cases, sides) {
  if (options.child !== undefined) {
    const { side, ...entry } = JSON.parse(options.child)
    await measure(entry, sides[side])
    return
  }
  for (const entry of cases) if (entry.label.includes(options.only)) report(entry, Object.keys(sides))
}

/** In a process of its own: some steps after one to warm up. */
async function measure({ model, batch, length }, difference) {
  const models = JSON.parse(readFileSync(new URL('../models.json', import.meta.url), 'utf8'))
  const config = readConfig(models[model])
  const threads = options.threads && Number(options.threads)
  const training = await createTraining(config, { ...difference, threads })
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

function report({ label, ...entry }, sides) {
  const oneRow = (side) => inChild({ ...entry, side, batch: 1, length: 8 }).peak
  const constant = Object.fromEntries(sides.map((side) => [side, oneRow(side)]))
  const rounds = Array.from({ length: Number(options.rounds) }, () =>
    Object.fromEntries(sides.map((side) => [side, inChild({ ...entry, side })])),
  )
  const of = (side, field) => median(rounds.flatMap((round) => round[side][field]))
  const [usual, ...others] = sides
  for (const other of others) {
    const row = (name, field, unit, less = () => 0) => {
      const [a, b] = [usual, other].map((side) => of(side, field) - less(side))
      console.log(`  ${name.padEnd(16)} ${a.toFixed(0)} → ${b.toFixed(0)} ${unit}, × ${(b / a).toFixed(2)}`)
    }
    console.log(`${label}: ${usual} → ${other}`)
    row('peak', 'peak', 'MB')
    row('above one row', 'peak', 'MB', (side) => constant[side])
    row('step', 'times', 'ms')
    row('processor time', 'processorTimes', 'ms')
  }
}

function inChild(settings) {
  const [script, ...own] = process.argv.slice(1)
  const args = [script, ...own, '--child', JSON.stringify(settings)]
  const { stdout, status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error(`${JSON.stringify(settings)} failed; see above.`)
  return JSON.parse(stdout.toString().trim().split('\n').at(-1))
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
