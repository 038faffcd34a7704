// Trains three adapters on one language model, each for a task of its own, and switches between them at every call.
// node main.js [--base <hub id, directory or npm package>] [--keep <directory>] [--json]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { load, transfer } from '@tfx/chat'
import { lora, promptTuning } from '@tfx/core'
import { readTasks } from './nouns.js'

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: '@tfx/base-decoder' },
    keep: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const say = (...texts) => console.error(...texts)

const tasks = readTasks({ train: 1000, test: 200 })
const settings = { epochs: 2, batchSize: 16, warmupRatio: 0.1, maxLength: 128, validation: false }
/** The base is frozen, and kept in a quarter of its memory while an adapter is trained. */
const runs = {
  meanings: {
    data: tasks.meanings,
    adapter: lora({ rank: 16 }),
    learningRate: 1e-2,
    basePrecision: 'int8',
  },
  synonyms: { data: tasks.synonyms, adapter: lora({ rank: 16 }), learningRate: 1e-2, basePrecision: 'int8' },
  'meanings, by a prompt': {
    data: tasks.meanings,
    adapter: promptTuning({ virtualTokens: 16, text: 'It means something that is' }),
    learningRate: 0.1,
  },
}

const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'tfx-adapters-')))
const adapters = {}
for (const [name, { data, ...options }] of Object.entries(runs)) {
  say(`Training ${name}`)
  const bot = await transfer(values.base, data.train, { ...settings, ...options })
  adapters[name] = join(folder, name.replaceAll(/\W+/g, '-'))
  // PEFT's two files: Python loads them on the same base.
  await bot.saveAdapter(adapters[name])
  await bot.dispose()
}

const bot = await load(values.base, { adapters })
const names = [undefined, ...Object.keys(adapters)]
const perplexities = []
for (const adapter of names) {
  const row = { adapter: adapter ?? 'the base alone' }
  for (const [task, { test }] of Object.entries(tasks))
    row[task] = (await bot.evaluate(test, { adapter, truncation: true })).perplexity
  perplexities.push(row)
}
say('\nPerplexity of held-out answers   meanings   synonyms')
for (const { adapter, meanings, synonyms } of perplexities)
  say(`${adapter.padEnd(30)} ${meanings.toFixed(1).padStart(10)} ${synonyms.toFixed(1).padStart(10)}`)

say('\nOne question, asked of all at once')
const messages = [{ role: 'user', content: 'river' }]
const ask = async (adapter) => {
  let text = ''
  for await (const piece of bot.chat(messages, { adapter, maxNewTokens: 16 })) text += piece
  return text
}
const answers = await Promise.all(names.map(ask))
answers.forEach((answer, index) => say(`  ${(names[index] ?? 'the base alone').padEnd(24)} ${answer}`))

await bot.dispose()
if (values.keep === undefined) await rm(folder, { recursive: true })
if (values.json) console.log(JSON.stringify({ perplexities, answers }))
