// Fine-tunes a small pretrained encoder on review sentences and compares it with three baselines.
// node main.js [--base <hub id, directory or npm package>] [--report <file.html>] [--few-shot <examples per class>] [--json]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { env, pipeline } from '@huggingface/transformers'
import { describeSettings, transfer } from '@tfx/sentiment'
import { afinn, majority, scoresOf } from './baselines.js'
import { readReviews } from './reviews.js'

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: '@tfx/base-encoder' },
    report: { type: 'string' },
    'few-shot': { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
})
const settings = {
  epochs: 3,
  batchSize: 16,
  learningRate: 2e-4,
  warmupRatio: 0.1,
  weightDecay: 0.01,
  truncation: true,
}
const say = (...texts) => console.error(...texts)

const { train, test } = readReviews()
say(`${train.length} sentences to learn from, ${test.length} held out.\n`)

say(`Fine-tuning ${values.base}`)
const started = performance.now()
const model = await transfer(values.base, train, { ...settings, report: values.report })
const trainSeconds = (performance.now() - started) / 1000
say(`\n${describeSettings(model.settings)}\n`)

say('The same network from random weights')
const scratch = await transfer(values.base, train, { ...settings, fromScratch: true })

const texts = test.map(({ text }) => text)
const labelsOf = (answers) => answers.map(({ label }) => label)
const predictStarted = performance.now()
const answers = await model.predict(texts)
const predictPerSecond = texts.length / ((performance.now() - predictStarted) / 1000)
const tuned = scoresOf(test, labelsOf(answers))
const baselines = {
  majority: majority(train, test),
  afinn: afinn(test),
  scratch: scoresOf(test, labelsOf(await scratch.predict(texts))),
}

const few = firstOfEach(train, Number(values['few-shot']))
const fromFew = await learnFromFew(few)

say('\nHeld-out sentences          accuracy   macro F1')
const rows = {
  'majority class': baselines.majority,
  'AFINN word list': baselines.afinn,
  'from random weights': baselines.scratch,
  'fine-tuned base': tuned,
  ...fromFew,
}
for (const [name, { accuracy, f1 }] of Object.entries(rows)) {
  say(
    `${name.padEnd(26)} ${(accuracy * 100).toFixed(1).padStart(8)} % ${(f1 * 100).toFixed(1).padStart(8)} %`,
  )
}

say('\nNew sentences')
const samples = [
  'Loved every minute of it.',
  'It broke after two days and nobody answers.',
  'Not bad at all, I was surprised.',
]
for (const [index, { label, score }] of (await model.predict(samples)).entries()) {
  say(`  ${label} (${score.toFixed(2)})  ${samples[index]}`)
}

const temporary = await mkdtemp(join(tmpdir(), 'tfx-sentiment-'))
try {
  const directory = join(temporary, 'model')
  await model.save(directory)
  const difference = await compareWithTransformersJs(directory, texts, answers)
  say(`\nSaved, and run by Transformers.js: scores differ by at most ${difference.toExponential(1)}.`)
  const accuracies = Object.fromEntries(
    Object.entries(baselines).map(([name, { accuracy }]) => [name, accuracy]),
  )
  const result = {
    ...tuned,
    baselines: accuracies,
    trainSeconds,
    predictPerSecond,
    transformersJsMaxDifference: difference,
  }
  if (values.json) console.log(JSON.stringify(result))
} finally {
  await rm(temporary, { recursive: true, force: true })
  await model.dispose()
  await scratch.dispose()
}

/** Two models of a few examples, one tuned as usual and one by pairs; none if there are no examples. */
async function learnFromFew(rows) {
  if (rows.length === 0) return {}
  say(`The base from ${rows.length} sentences`)
  const usual = { ...settings, epochs: 20, validation: false }
  const scored = {}
  for (const [name, options] of Object.entries({
    [`plain, ${rows.length} sentences`]: usual,
    [`few-shot, ${rows.length} sentences`]: { fewShot: true, truncation: true },
  })) {
    const learned = await transfer(values.base, rows, options)
    scored[name] = scoresOf(test, labelsOf(await learned.predict(texts)))
    await learned.dispose()
  }
  return scored
}

/** The first so many rows of each label. */
function firstOfEach(rows, count) {
  return ['negative', 'positive'].flatMap((wanted) =>
    rows.filter(({ label }) => label === wanted).slice(0, count),
  )
}

/** The largest difference between the scores of the saved model in Transformers.js and our own. */
async function compareWithTransformersJs(directory, texts, answers) {
  env.allowRemoteModels = false
  env.localModelPath = dirname(directory)
  const classify = await pipeline('sentiment-analysis', basename(directory), { dtype: 'fp32' })
  let largest = 0
  for (const [index, text] of texts.entries()) {
    const [{ label, score }] = await classify(text)
    largest = Math.max(largest, Math.abs(score - answers[index].scores[label]))
  }
  await classify.dispose()
  return largest
}
