// Trains summarizers on one data set and scores them on its held-out documents by ROUGE, beside the lead baselines:
//
//     node bench/summarization.mjs debian --data DIR [--base DIRECTORY] [--seeds 1,2,3] [--epochs N]
//     node bench/summarization.mjs scitldr --data DIR [--base DIRECTORY] [--seeds 1,2,3] [--epochs N]
//
// The base against the same network from random weights, with the same settings. DIR has train, dev and test as .jsonl.gz
// (debian: document, summary) or .jsonl (scitldr: source, target). The best of the epochs by the loss on dev is kept; test is
// summarized with beam 4, and compared with stems, by rouge_score's rules. --limit N takes the first rows only, and
// --max-steps N ends the training early, to try out; --json prints one line of JSON instead of a table. --out FILE writes the
// summaries of each run, as lines of JSON. With --checkpoints DIR, a table that was cut goes on where it was when the same
// command is given again.
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packageDirectory, readRows, trainSummarizer } from './ours/packages.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    base: { type: 'string', default: packageDirectory('base-seq2seq') },
    seeds: { type: 'string', default: '1,2,3' },
    epochs: { type: 'string' },
    limit: { type: 'string', default: 'Infinity' },
    'max-steps': { type: 'string', default: '0' },
    out: { type: 'string' },
    checkpoints: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

/** Documents are cut to `maxLength` tokens, in training and in the test. */
const tables = {
  debian: {
    extension: 'jsonl.gz',
    training: { epochs: 3, batchSize: 32, learningRate: 1e-3, maxLength: 128 },
    writing: { maxLength: 32 },
  },
  scitldr: {
    extension: 'jsonl',
    training: { epochs: 8, batchSize: 16, learningRate: 1e-3, maxLength: 384 },
    writing: { maxLength: 64 },
  },
}
const [name] = positionals
if (!Object.hasOwn(tables, name ?? '') || values.data === undefined) {
  console.error('Usage: node bench/summarization.mjs debian|scitldr --data DIR [--seeds 1,2,3] [--epochs N]')
  process.exit(2)
}
const { extension, training, writing } = tables[name]
const settings = {
  ...training,
  ...(values.epochs !== undefined && { epochs: Number(values.epochs) }),
  schedule: 'cosine',
  warmupRatio: 0.05,
  labelSmoothing: 0.1,
  maxSteps: Number(values['max-steps']),
}
const reading = { numBeams: 4, longDocuments: 'beginning', ...writing }

async function rowsOf(part) {
  const rows = []
  for await (const row of readRows(join(values.data, `${part}.${extension}`))) {
    if (rows.length >= Number(values.limit)) break
    rows.push(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, withoutControls(value)])))
  }
  return rows
}

/** SciTLDR has a control character in one of its abstracts, which `transfer` would refuse. */
function withoutControls(value) {
  if (Array.isArray(value)) return value.map(withoutControls)
  return typeof value === 'string' ? value.replace(/[^\P{Cc}\n\t]/gu, ' ') : value
}

/** Trains one model and scores it on the test documents. */
async function measure(kind, { train, validation, test, seed }) {
  const fromScratch = kind === 'random weights'
  const run = `${name}-${kind.replaceAll(' ', '-')}-${seed}`
  const checkpoints = values.checkpoints && join(values.checkpoints, run)
  const options = { ...settings, seed, fromScratch, checkpoints, progress: !values.json }
  const model = await trainSummarizer(values.base, { train, validation }, options)
  const { seconds, steps, evaluations } = model.training
  const started = performance.now()
  const { summaries, baselines, ...rouge } = await model.evaluate(test, reading)
  const secondsToSummarize = (performance.now() - started) / 1000
  await model.dispose()
  const losses = evaluations.map(({ metrics }) => metrics.loss)
  if (values.out) {
    const lines = summaries.map(({ text }) => JSON.stringify({ kind, seed, text }))
    await appendFile(values.out, `${lines.join('\n')}\n`)
  }
  const result = { kind, seed, ...rouge, seconds, steps, losses, secondsToSummarize }
  console.error(JSON.stringify(result))
  return { result, baselines }
}

const [train, validation, test] = await Promise.all(['train', 'dev', 'test'].map(rowsOf))
const runs = []
let lead
for (const seed of values.seeds.split(',').map(Number)) {
  for (const kind of ['base', 'random weights']) {
    const { result, baselines } = await measure(kind, { train, validation, test, seed })
    runs.push(result)
    lead = baselines
  }
}

const keys = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum']
const meanOf = (kind) => {
  const own = runs.filter((run) => run.kind === kind)
  return Object.fromEntries(
    keys.map((key) => [key, own.reduce((sum, run) => sum + run[key], 0) / own.length]),
  )
}
const rows = {
  'first words': lead.leadWords,
  'first sentences': lead.leadSentences,
  'random weights': meanOf('random weights'),
  base: meanOf('base'),
}
const best = (key) =>
  Math.max(...Object.entries(rows).map(([kind, scores]) => (kind === 'base' ? 0 : scores[key])))
const met = ['rouge1', 'rougeL'].every((key) => rows.base[key] > best(key))
const documents = { train: train.length, validation: validation.length, test: test.length }
if (values.json) {
  console.log(
    JSON.stringify({
      table: name,
      base: values.base,
      training: settings,
      writing: reading,
      documents,
      rows,
      runs,
      met,
    }),
  )
} else {
  console.log(
    `| ${name}, ${test.length} documents | ROUGE-1 | ROUGE-2 | ROUGE-L | ROUGE-Lsum |\n| --- | --- | --- | --- | --- |`,
  )
  for (const [kind, scores] of Object.entries(rows)) {
    console.log(`| ${kind} | ${keys.map((key) => (100 * scores[key]).toFixed(1)).join(' | ')} |`)
  }
  console.log(`\nThe base beats the others in ROUGE-1 and ROUGE-L: ${met ? 'yes' : 'no'}`)
}
