// Trains translators from English to German and scores them on held-out pairs, beside baselines:
//
//     node bench/translation.mjs multi30k --data DIR [--seeds 1,2,3] [--epochs 12]
//     node bench/translation.mjs debian --data DIR [--base DIRECTORY] [--seeds 1,2,3] [--epochs 3]
//
// multi30k: a network of about 10 million random weights, beam 4, test 2016; DIR has train.en, train.de, val.*,
// test_2016_flickr.*. debian: the base against the same network from random weights; DIR has en-de.train.tsv.gz, .dev and
// .test (columns en, de). --limit N takes the first pairs only, to try out; --json prints nothing but JSON. Each seed's
// translations are written to --out DIR, one a line, where it is given; the first model to --save DIR. A table takes hours:
// with --checkpoints DIR, one that was cut goes on where it was when the same command is given again.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  createBleu,
  createChrf,
  createTer,
  packageDirectory,
  readRows,
  scratchBase,
  scratchSettings,
  trainTranslator,
} from './ours/packages.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    base: { type: 'string', default: packageDirectory('base-seq2seq') },
    seeds: { type: 'string', default: '1,2,3' },
    epochs: { type: 'string' },
    'max-steps': { type: 'string', default: '0' },
    limit: { type: 'string', default: 'Infinity' },
    out: { type: 'string' },
    save: { type: 'string' },
    checkpoints: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const [table] = positionals
const report = values.json ? () => undefined : (line) => console.error(line)

/** The pairs of two files whose lines correspond. */
async function parallelPairs(name) {
  const [en, de] = await Promise.all(
    ['en', 'de'].map((language) => readFile(join(values.data, `${name}.${language}`), 'utf8')),
  ).then((texts) => texts.map((text) => text.trimEnd().split('\n')))
  return limited(en.map((text, index) => ({ en: text, de: de[index] })))
}

async function tablePairs(name) {
  const pairs = []
  for await (const { en, de } of readRows(join(values.data, `en-de.${name}.tsv.gz`))) pairs.push({ en, de })
  return limited(pairs)
}

const limited = (pairs) => pairs.slice(0, Number(values.limit))

/** The same settings as bench/reference/multi30k.py. */
const multi30k = {
  network: {
    vocabSize: 8000,
    hiddenSize: 256,
    numLayers: 4,
    numHeads: 4,
    intermediateSize: 1024,
    dropout: 0.15,
  },
  training: { ...scratchSettings, schedule: 'cosine', warmupRatio: 0.06, emaDecay: 0.998, epochs: 12 },
}
/** What the base and its rival share. T5's own dropout stays. */
const debian = {
  batchSize: 32,
  learningRate: 5e-4,
  schedule: 'cosine',
  warmupRatio: 0.05,
  labelSmoothing: 0.1,
  epochs: 3,
}

const direction = { source: 'en', target: 'de' }
const writing = { numBeams: 4, maxNewTokens: 100, batchSize: 32 }
const common = {
  ...direction,
  maxLength: 192,
  maxSteps: Number(values['max-steps']),
  progress: !values.json,
}

let saved = false

/** Trains, translates the test pairs, and scores them. */
async function measure(name, base, { data, test, ...settings }) {
  const run = `${table}-${name.replaceAll(' ', '-')}-${settings.seed}`
  const checkpoints = values.checkpoints && join(values.checkpoints, run)
  const model = await trainTranslator(base, data, { ...settings, ...common, checkpoints })
  const { seconds, steps, evaluations } = model.training
  const started = performance.now()
  const { translations, ...scores } = await model.evaluate(test, { ...direction, ...writing })
  const result = {
    name,
    seed: settings.seed,
    ...scores,
    seconds,
    steps,
    losses: evaluations.map(({ metrics }) => metrics.loss),
    secondsToTranslate: (performance.now() - started) / 1000,
  }
  if (values.save && !saved) await model.save(values.save, { onnx: [] })
  saved = true
  await model.dispose()
  report(JSON.stringify(result))
  if (values.out) {
    await mkdir(values.out, { recursive: true })
    await writeFile(join(values.out, `${run}.de`), `${translations.join('\n')}\n`)
  }
  return result
}

function scoresOf(translations, pairs) {
  const metrics = { bleu: createBleu(), chrf: createChrf(), ter: createTer() }
  const references = pairs.map(({ de }) => de)
  return Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => {
      metric.add(references, translations)
      return [name, metric.score().score]
    }),
  )
}

const tables = {
  async multi30k(seeds) {
    const [train, validation, test] = await Promise.all(
      ['train', 'val', 'test_2016_flickr'].map(parallelPairs),
    )
    const { network, training } = multi30k
    const base = await scratchBase(train, { ...direction, ...network })
    const runs = []
    for (const seed of seeds) {
      const epochs = Number(values.epochs ?? training.epochs)
      const settings = { ...training, data: { train, validation }, test, seed, epochs }
      runs.push(await measure('random weights', base, settings))
    }
    return { settings: { ...network, ...training, ...writing }, baselines: copied(test), runs }
  },
  async debian(seeds) {
    const [train, validation, test] = await Promise.all(['train', 'dev', 'test'].map(tablePairs))
    const runs = []
    for (const seed of seeds) {
      const epochs = Number(values.epochs ?? debian.epochs)
      const settings = { ...debian, data: { train, validation }, test, seed, epochs, truncation: true }
      runs.push(await measure('base', values.base, settings))
      runs.push(await measure('random weights', values.base, { ...settings, fromScratch: true }))
    }
    return { settings: { base: values.base, ...debian, ...writing }, baselines: copied(test), runs }
  },
}

const copied = (test) => ({
  'source copied': scoresOf(
    test.map(({ en }) => en),
    test,
  ),
})

if (!Object.hasOwn(tables, table ?? '') || values.data === undefined) {
  console.error('Usage: node bench/translation.mjs multi30k|debian --data DIR [--seeds 1,2,3] [--epochs N]')
  process.exit(2)
}
const result = await tables[table](values.seeds.split(',').map(Number))
const mean = (runs, metric) => runs.reduce((sum, run) => sum + run[metric], 0) / runs.length
const names = [...new Set(result.runs.map(({ name }) => name))]
const rows = [
  ...Object.entries(result.baselines),
  ...names.map((name) => {
    const own = result.runs.filter((run) => run.name === name)
    return [
      `${name}, ${own.length} seeds`,
      { bleu: mean(own, 'bleu'), chrf: mean(own, 'chrf'), ter: mean(own, 'ter') },
    ]
  }),
]
if (values.json) {
  console.log(JSON.stringify(result))
} else {
  console.log('| | BLEU | chrF | TER |\n| --- | --- | --- | --- |')
  for (const [name, { bleu, chrf, ter }] of rows) {
    console.log(`| ${name} | ${bleu.toFixed(2)} | ${chrf.toFixed(2)} | ${ter.toFixed(2)} |`)
  }
  console.log(`\n${result.runs[0].signatures.bleu}`)
}
