// Fine-tunes a small pretrained encoder-decoder on localisation strings and compares it with two baselines.
// node main.js [--base <hub id, directory or npm package>] [--epochs <number>] [--json]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { env, pipeline } from '@huggingface/transformers'
import { createBleu, createChrf, createTer } from '@tfx/metrics'
import { describeSettings, transfer } from '@tfx/translation'
import { readStrings } from './strings.js'

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: '@tfx/base-seq2seq' },
    epochs: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
})
const direction = { source: 'en', target: 'de' }
const settings = {
  ...direction,
  epochs: Number(values.epochs),
  batchSize: 32,
  learningRate: 1e-3,
  warmupRatio: 0.1,
  labelSmoothing: 0.1,
  maxLength: 96,
}
const say = (...texts) => console.error(...texts)

const { train, test } = readStrings()
say(`${train.length} pairs to learn from, ${test.length} held out.\n`)

say(`Fine-tuning ${values.base}`)
const started = performance.now()
const model = await transfer(values.base, train, settings)
const trainSeconds = (performance.now() - started) / 1000
say(`\n${describeSettings(model.settings)}\n`)

say('The same network from random weights')
const scratch = await transfer(values.base, train, { ...settings, fromScratch: true })

const writing = { ...direction, maxNewTokens: 48 }
const translateStarted = performance.now()
const tuned = await model.evaluate(test, writing)
const translatePerSecond = test.length / ((performance.now() - translateStarted) / 1000)
const baselines = {
  copy: scoresOf(test.map(({ en }) => en)),
  scratch: await scratch.evaluate(test, writing),
}

say(`\nHeld-out strings (${tuned.signatures.bleu})\n${' '.repeat(26)}     BLEU     chrF      TER`)
const rows = {
  'source copied': baselines.copy,
  'from random weights': baselines.scratch,
  'fine-tuned base': tuned,
}
for (const [name, scores] of Object.entries(rows)) {
  const numbers = [scores.bleu, scores.chrf, scores.ter].map((score) => score.toFixed(1).padStart(8))
  say(`${name.padEnd(26)} ${numbers.join(' ')}`)
}

say('\nHeld-out strings, translated')
for (const index of [3, 11, 19]) say(`  ${test[index].en}  →  ${tuned.translations[index]}`)
say('With a glossary: Filter → Suchfilter, no Spalte')
const glossary = { force: { filter: 'Suchfilter' }, forbid: ['Spalte', 'Spalten'] }
for (const text of ['Filter', 'Hide column']) {
  say(`  ${text}  →  ${await model.translate(text, { ...writing, glossary })}`)
}

const temporary = await mkdtemp(join(tmpdir(), 'tfx-translation-'))
try {
  const directory = join(temporary, 'model')
  await model.save(directory)
  const equal = await compareWithTransformersJs(directory, test.slice(0, 20))
  say(`\nSaved, and run by Transformers.js: ${equal} of 20 translations are the same.`)
  const short = ({ bleu, chrf, ter }) => ({ bleu, chrf, ter })
  const result = {
    ...short(tuned),
    signatures: tuned.signatures,
    baselines: { copy: baselines.copy, scratch: short(baselines.scratch) },
    trainSeconds,
    translatePerSecond,
    transformersJsEqual: equal / 20,
  }
  if (values.json) console.log(JSON.stringify(result))
} finally {
  await rm(temporary, { recursive: true, force: true })
  await model.dispose()
  await scratch.dispose()
}

function scoresOf(translations) {
  const metrics = { bleu: createBleu(), chrf: createChrf(), ter: createTer() }
  const references = test.map(({ de }) => de)
  return Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => {
      metric.add(references, translations)
      return [name, metric.score().score]
    }),
  )
}

/** How many greedy translations of the saved model in Transformers.js are our own. */
async function compareWithTransformersJs(directory, pairs) {
  env.allowRemoteModels = false
  env.localModelPath = dirname(directory)
  const translator = await pipeline('translation', basename(directory), { dtype: 'fp32' })
  const greedy = await model.translate(
    pairs.map(({ en }) => en),
    { ...writing, numBeams: 1, split: 'none' },
  )
  let equal = 0
  for (const [index, { en }] of pairs.entries()) {
    const [{ translation_text: text }] = await translator(en, {
      max_new_tokens: writing.maxNewTokens,
      num_beams: 1,
    })
    if (text.trim() === greedy[index]) equal++
  }
  await translator.dispose()
  return equal
}
