// Tunes a small language model on dialogues, compares it with two baselines, talks to it, and saves it.
// node main.js [--base <hub id, directory or npm package>] [--data <dialogues.jsonl>] [--report <file.html>] [--json]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { env, pipeline } from '@huggingface/transformers'
import { describeSettings, load, transfer } from '@tfx/chat'
import { readRows, split } from '@tfx/data'
import { readDefinitions } from './definitions.js'

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: '@tfx/base-decoder' },
    data: { type: 'string' },
    report: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const settings = {
  epochs: 2,
  batchSize: 16,
  learningRate: 1e-3,
  warmupRatio: 0.1,
  weightDecay: 0.01,
  maxLength: 128,
  validation: false,
}
const say = (...texts) => console.error(...texts)

const { train, test } = values.data
  ? split(await allOf(readRows(values.data)), { fraction: 0.1, seed: 7 })
  : readDefinitions({ train: 1200, test: 200 })
say(`${train.length} dialogues to learn from, ${test.length} held out.\n`)

say(`Fine-tuning ${values.base}`)
const started = performance.now()
const bot = await transfer(values.base, train, { ...settings, report: values.report })
const trainSeconds = (performance.now() - started) / 1000
say(`\n${describeSettings(bot.settings)}\n`)

say('The same network from random weights')
const scratch = await transfer(values.base, train, { ...settings, fromScratch: true })
const untuned = await load(values.base)

const { perplexity, loss } = await bot.evaluate(test)
const baselines = {
  untuned: (await untuned.evaluate(test, { truncation: true })).perplexity,
  scratch: (await scratch.evaluate(test)).perplexity,
}
say('\nHeld-out answers            perplexity of their tokens')
const rows = {
  'base, untuned': baselines.untuned,
  'from random weights': baselines.scratch,
  'fine-tuned base': perplexity,
}
for (const [name, value] of Object.entries(rows)) say(`${name.padEnd(26)} ${value.toFixed(1).padStart(10)}`)

say('\nNew questions')
const samples = ['What does river mean?', 'What does happiness mean?', 'What does keyboard mean?']
for (const content of samples) {
  say(`  ${content} ${await textOf(bot.chat([{ role: 'user', content }], { maxNewTokens: 40 }))}`)
}

const temporary = await mkdtemp(join(tmpdir(), 'tfx-chat-'))
try {
  const directory = join(temporary, 'bot')
  await bot.save(directory)
  const same = await sameInTransformersJs(directory, samples)
  say(`\nSaved, and run by Transformers.js: ${same} of ${samples.length} answers are the same.`)
  const result = {
    perplexity,
    loss,
    baselines,
    trainSeconds,
    sameInTransformersJs: same,
    answers: samples.length,
  }
  if (values.json) console.log(JSON.stringify(result))
} finally {
  await rm(temporary, { recursive: true, force: true })
  await Promise.all([bot.dispose(), scratch.dispose(), untuned.dispose()])
}

/** How many questions the saved model answers in Transformers.js as it does here, word for word. */
async function sameInTransformersJs(directory, questions) {
  env.allowRemoteModels = false
  env.localModelPath = dirname(directory)
  const generator = await pipeline('text-generation', basename(directory), { dtype: 'fp32' })
  let same = 0
  for (const content of questions) {
    const messages = [{ role: 'user', content }]
    const ours = await textOf(bot.chat(messages, { maxNewTokens: 40 }))
    const [{ generated_text }] = await generator(messages, { max_new_tokens: 40, do_sample: false })
    if (generated_text.at(-1).content === ours) same += 1
  }
  await generator.dispose()
  return same
}

async function textOf(pieces) {
  let text = ''
  for await (const piece of pieces) text += piece
  return text
}

async function allOf(rows) {
  const all = []
  for await (const row of rows) all.push(row)
  return all
}
