import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createOnnxEngine, setEngine } from '@tfx/backend'
import { loadTokenizer, openSafetensors, readConfig } from '@tfx/core'
import { progressReporter } from '@tfx/train'
import { learnedSoFar, pretrain } from '@tfx/transfer'

/**
 * Runs a recipe: pretrains, and saves the base as float16 with `training.json`, its loss curve. Takes from the command line
 * `--steps NUMBER` and `--output DIRECTORY` (default `output`). Ctrl-C ends it early, and what was learned until then is
 * saved: `--from DIRECTORY` goes on with such weights, without a warm-up, from `--rate NUMBER`, with the text in the order of
 * `--seed NUMBER`. `--threads 1` leaves cores to others.
 * @param {{
 *   package: URL, the folder of the package, which has the tokenizer
 *   config: Record<string, unknown>, config.json as it is to be saved
 *   withoutDropout: Record<string, number>, the fields of it that pretraining has otherwise
 *   steps: number, by default
 * } & Omit<import('@tfx/transfer').PretrainOptions, 'config' | 'tokenizer' | 'signal' | 'onEvent'>} recipe
 */
export async function runRecipe({ package: folder, config, withoutDropout, ...options }) {
  const { values } = parseArgs({
    options: {
      steps: { type: 'string', default: String(options.steps) },
      output: { type: 'string', default: 'output' },
      from: { type: 'string' },
      rate: { type: 'string', default: String(options.learningRate) },
      seed: { type: 'string', default: String(options.seed) },
      threads: { type: 'string' },
    },
  })
  if (values.threads !== undefined) setEngine(createOnnxEngine({ threads: Number(values.threads) }))
  const earlier = values.from === undefined ? undefined : await readWeights(values.from)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  const report = progressReporter({ every: 100 })
  const losses = []
  const evaluations = []
  const start = performance.now()
  const onEvent = (event) => {
    report(event)
    if (event.type === 'step' && event.step % 50 === 0)
      losses.push([event.step, Number(event.loss.toFixed(4))])
    if (event.type === 'evaluate') evaluations.push({ step: event.step, ...event.metrics })
  }
  const model = await pretrain({
    ...options,
    // A pass over the text does not overfit: no dropout here; the saved configuration has it for fine-tuning.
    config: readConfig({ ...config, ...withoutDropout }),
    tokenizer: await loadTokenizer(fileURLToPath(folder)),
    steps: Number(values.steps),
    learningRate: Number(values.rate),
    seed: Number(values.seed),
    ...(earlier && { warmupRatio: 0, initialValues: (name) => earlier.get(name) }),
    signal: stop.signal,
    onEvent,
  }).catch((error) => {
    const learned = learnedSoFar(error)
    if (learned === undefined) throw error
    return learned
  })
  await model.save(values.output, { dtype: 'float16', overwrite: true, config: readConfig(config) })
  const seconds = Math.round((performance.now() - start) / 1000)
  const training = { steps: Number(values.steps), seconds, evaluations, losses }
  await writeFile(`${values.output}/training.json`, `${JSON.stringify(training)}\n`)
  process.stdout.write(`held-out perplexity ${model.perplexity.toFixed(2)}, ${seconds} s\n`)
}

async function readWeights(directory) {
  const file = await openSafetensors(`${directory}/model.safetensors`)
  const weights = new Map()
  for (const name of file.tensors.keys()) weights.set(name, await file.read(name))
  await file.close()
  return weights
}
