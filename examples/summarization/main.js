// Fine-tunes a small pretrained encoder-decoder to tell from an npm package's README what the package is, and compares it
// with three baselines.
// node main.js [--base <hub id, directory or npm package>] [--epochs N] [--limit N] [--json]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { env, pipeline } from '@huggingface/transformers'
import { describeSettings, transfer } from '@tfx/summarization'
import { readPackages } from './packages.js'

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: '@tfx/base-seq2seq' },
    epochs: { type: 'string', default: '5' },
    limit: { type: 'string', default: 'Infinity' },
    json: { type: 'boolean', default: false },
  },
})
const settings = {
  epochs: Number(values.epochs),
  batchSize: 16,
  learningRate: 1e-3,
  warmupRatio: 0.1,
  maxLength: 128,
  validation: false,
}
/** What is judged is the beginning of each README: to read them whole takes longer. */
const writing = { longDocuments: 'beginning', maxLength: 24 }
const say = (...texts) => console.error(...texts)
const limited = (rows) => rows.slice(0, Number(values.limit))

const { train, test } = Object.fromEntries(
  Object.entries(readPackages()).map(([part, rows]) => [part, limited(rows)]),
)
say(`${train.length} packages to learn from, ${test.length} held out.\n`)

say(`Fine-tuning ${values.base}`)
const started = performance.now()
const model = await transfer(values.base, train, settings)
const trainSeconds = (performance.now() - started) / 1000
say(`\n${describeSettings(model.settings)}\n`)

say('The same network from random weights')
const scratch = await transfer(values.base, train, { ...settings, fromScratch: true })

const summarizeStarted = performance.now()
const { summaries, baselines, ...tuned } = await model.evaluate(test, writing)
const summarizePerSecond = test.length / ((performance.now() - summarizeStarted) / 1000)
const fromScratch = rougeOf(await scratch.evaluate(test, writing))

say('\nHeld-out packages          ROUGE-1  ROUGE-2  ROUGE-L  ROUGE-Lsum')
const rows = {
  'first words': baselines.leadWords,
  'first sentences': baselines.leadSentences,
  'from random weights': fromScratch,
  'fine-tuned base': tuned,
}
for (const [name, scores] of Object.entries(rows)) {
  const numbers = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'].map((key) => (100 * scores[key]).toFixed(1))
  say(`${name.padEnd(25)} ${numbers.map((number) => number.padStart(8)).join(' ')}`)
}

say('\nHeld-out descriptions, and what the model writes')
for (const [index, { package: name, summary }] of test.slice(0, 5).entries()) {
  say(`  ${name}\n    ${summary}\n    ${summaries[index].text}`)
}
const long = test.reduce((longest, row) => (row.document.length > longest.document.length ? row : longest))
const whole = await model.summarize(long.document, { maxLength: 24, maxParts: 500, numBeams: 1 })
say(
  `\nThe longest README, that of ${long.package}, read in ${whole.parts} parts and ${whole.passes} passes:\n  ${whole.text}`,
)

const temporary = await mkdtemp(join(tmpdir(), 'tfx-summarization-'))
try {
  const directory = join(temporary, 'model')
  await model.save(directory, { onnx: ['float32'] })
  // Short enough to be read whole: Transformers.js cuts longer ones behind their end token, which is lost.
  const texts = test.slice(0, 20).map(({ document }) => document.slice(0, 150))
  const greedy = await model.summarize(texts, { ...writing, numBeams: 1 })
  const differing = await compareWithTransformersJs(directory, texts, greedy)
  say(`\nSaved, and run by Transformers.js: ${differing} of ${texts.length} greedy summaries differ.`)
  const result = {
    ...tuned,
    baselines: { ...baselines, scratch: fromScratch },
    trainSeconds,
    summarizePerSecond,
    transformersJsDifferent: differing,
  }
  if (values.json) console.log(JSON.stringify(result))
} finally {
  await rm(temporary, { recursive: true, force: true })
  await model.dispose()
  await scratch.dispose()
}

/** The scores alone. */
function rougeOf({ rouge1, rouge2, rougeL, rougeLsum }) {
  return { rouge1, rouge2, rougeL, rougeLsum }
}

/** How many summaries of the saved model in Transformers.js are not our own, to the character. */
async function compareWithTransformersJs(directory, texts, greedy) {
  env.allowRemoteModels = false
  env.localModelPath = dirname(directory)
  const summarize = await pipeline('summarization', basename(directory), { dtype: 'fp32' })
  // It cuts to what the tokenizer says; we to what was learned with.
  summarize.tokenizer.config.model_max_length = settings.maxLength
  let differing = 0
  for (const [index, text] of texts.entries()) {
    const [{ summary_text: summary }] = await summarize(text, { max_new_tokens: 24, num_beams: 1 })
    if (summary.trim() !== greedy[index].text) differing++
  }
  await summarize.dispose()
  return differing
}
