// What part of a training step clipping and AdamW take, for MiniLM-L6 and BERT-base on one thread and on two: by our SIMD
// passes, and by plain loops in JavaScript, as a step would be without them. Medians of ten steps of 16 × 64 tokens, each
// line in a process of its own.
//
//     node bench/optimizer-share.mjs [--steps 10] [--models minilm,bert]
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { clipCoefficient, readConfig } from './ours/packages.mjs'
import { applyGradients, createTraining, randomBatch } from './ours/training-step.mjs'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '10' },
    models: { type: 'string', default: 'minilm,bert' },
    /** Measures one model in this process. */
    measure: { type: 'string' },
    threads: { type: 'string' },
  },
})
if (values.measure === undefined) table()
else console.log(JSON.stringify(await measure(values.measure, Number(values.threads))))

function table() {
  console.log('| model, threads | forward, backward | optimizer | share | plain loops | share |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const model of values.models.split(',')) {
    for (const threads of ['1', '2']) {
      const own = ['--measure', model, '--threads', threads, '--steps', values.steps]
      const { stdout, stderr, status } = spawnSync(process.execPath, [process.argv[1], ...own])
      if (status !== 0) throw new Error(String(stderr))
      const { gradients, simd, plain } = JSON.parse(stdout)
      const milliseconds = (time) => `${time.toFixed(0)} ms`
      const share = (time) => `${((100 * time) / (gradients + time)).toFixed(1)} %`
      const cells = [
        milliseconds(gradients),
        milliseconds(simd),
        share(simd),
        milliseconds(plain),
        share(plain),
      ]
      console.log(`| ${model}, ${threads} | ${cells.join(' | ')} |`)
    }
  }
}

/** Median milliseconds of the gradients, and of the two ways to apply them. */
async function measure(model, threads) {
  const models = JSON.parse(readFileSync(new URL('models.json', import.meta.url), 'utf8'))
  const training = await createTraining(readConfig(models[model]), { shape: [16, 64], threads })
  const batch = randomBatch(16, 64, { kind: 'encoder' })
  const times = { gradients: [], simd: [], plain: [] }
  const warmUp = 2
  for (let step = 1; step <= Number(values.steps) + warmUp; step++) {
    const timed = async (name, work) => {
      const started = performance.now()
      await work()
      if (step > warmUp) times[name].push(performance.now() - started)
    }
    await timed('gradients', () => training.program.run(batch, { seed: step }))
    await timed('simd', () => applyGradients(training, { step, learningRate: 5e-5 }))
    await timed('plain', () => applyByPlainLoops(training, { step, learningRate: 5e-5 }))
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]))
}

/** The same as `applyGradients`, an element at a time. */
function applyByPlainLoops({ store, names }, { step, learningRate }) {
  let squares = 0
  for (const name of names) {
    const gradient = store.view(name, 'gradient')
    for (let i = 0; i < gradient.length; i++) squares += gradient[i] * gradient[i]
  }
  const scale = clipCoefficient(Math.sqrt(squares), 1)
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8]
  const stepSize = learningRate / (1 - beta1 ** step)
  const correction = Math.sqrt(1 - beta2 ** step)
  for (const name of names) {
    const [value, gradient] = [store.view(name), store.view(name, 'gradient')]
    const [average, square] = [store.view(name, 'expAvg'), store.view(name, 'expAvgSq')]
    for (let i = 0; i < value.length; i++) {
      const slope = scale * gradient[i]
      average[i] = beta1 * average[i] + (1 - beta1) * slope
      square[i] = beta2 * square[i] + (1 - beta2) * slope * slope
      value[i] -= (stepSize * average[i]) / (Math.sqrt(square[i]) / correction + epsilon)
    }
  }
}

function median(times) {
  const sorted = times.toSorted((left, right) => left - right)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
}
