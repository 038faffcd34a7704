// What tuning a chat model is worth, and that it is the tuning that TRL does.
//
//     PYTHON=python3 node bench/chat.mjs --data DIR --smollm2 DIRECTORY [--table sft,base,dpo]
//         [--base DIRECTORY] [--steps 200] [--seeds 1,2,3] [--held-out 300] [--pairs 100] [--json]
//
// The directory is what `tfx export SmolLM2-135M-Instruct.Q4_1.gguf -o DIRECTORY --onnx none` wrote, so that both sides have one
// tokenizer: transformers' own reading of a GGUF leaves out that SmolLM2 takes digits apart before anything else.
//
// DIR holds taskmaster4/dialogs.jsonl, instruct/rasbt-preference.json and tinyshakespeare/input.txt. Tables:
//
// sft   SmolLM2-135M-Instruct with LoRA on Taskmaster-4: perplexity of the assistant's tokens in held-out dialogues, untuned,
//       tuned here, and tuned by PEFT and TRL on the same batches in the same order (reference/tune_chat.py).
// base  A base on Tiny Shakespeare (the last tenth held out) and on Taskmaster-4, beside the same network from random weights.
// dpo   SmolLM2-135M-Instruct on the first preferences of the file: loss of each step, and rewards at the end, here
//       and by TRL.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  load,
  lora,
  packageDirectory,
  shuffledBatches,
  split,
  transferChat as transfer,
} from './ours/packages.mjs'

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    smollm2: { type: 'string' },
    base: { type: 'string', default: packageDirectory('base-decoder') },
    table: { type: 'string', default: 'sft,base,dpo' },
    steps: { type: 'string', default: '200' },
    seeds: { type: 'string', default: '1,2,3' },
    'held-out': { type: 'string', default: '300' },
    pairs: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
})
const steps = Number(options.steps)
const seeds = options.seeds.split(',').map(Number)
const heldOut = Number(options['held-out'])
const say = (...texts) => console.error(...texts)
const quiet = { progress: false, validation: false, keepBest: false }

/** SmolLM2's template, with marks around what the assistant writes: TRL wants them. */
const template =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n" +
  "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}" +
  "{{ '<|im_start|>' + message['role'] + '\n' }}{% if message['role'] == 'assistant' %}{% generation %}" +
  "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}" +
  "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

const tables = { sft: tuneWithAdapter, base: tuneBase, dpo: preferAnswers }
const results = {}
for (const name of options.table.split(',')) results[name] = await tables[name]()
if (options.json) console.log(JSON.stringify(results))

/** Taskmaster-4, each dialogue once, split by dialogue. */
function readTaskmaster(seed) {
  const lines = readFileSync(join(options.data, 'taskmaster4', 'dialogs.jsonl'), 'utf8')
    .trim()
    .split('\n')
  const distinct = new Map(
    lines.map((line) => {
      const { messages } = JSON.parse(line)
      return [JSON.stringify(messages), { messages }]
    }),
  )
  const dialogues = [...distinct.values()].filter(({ messages }) => messages.at(-1).role === 'assistant')
  return split(dialogues, { size: heldOut, seed })
}

async function tuneWithAdapter() {
  const batchSize = 8
  const rate = 2e-4
  const [rank, alpha] = [16, 32]
  const rows = []
  for (const seed of seeds) {
    const { train: all, test } = readTaskmaster(seed)
    const train = all.slice(0, all.length - (all.length % batchSize))
    const base = await load(options.smollm2, { chatTemplate: template })
    const untuned = (await base.evaluate(test)).perplexity
    await base.dispose()
    const started = performance.now()
    const bot = await transfer(options.smollm2, train, {
      ...quiet,
      chatTemplate: template,
      adapter: lora({ rank, alpha }),
      maxSteps: steps,
      batchSize,
      batching: 'random',
      learningRate: rate,
      seed,
    })
    const seconds = (performance.now() - started) / 1000
    const tuned = (await bot.evaluate(test)).perplexity
    await bot.dispose()
    const ordered = inBatchOrder(train, { batchSize, seed })
    const job = { mode: 'sft', model: options.smollm2, template, train: ordered, heldOut: test }
    const theirs = reference({ ...job, steps, batchSize, rate, rank, alpha, seed })
    const row = {
      seed,
      steps,
      untuned,
      tuned,
      reference: theirs.perplexity,
      referenceUntuned: theirs.untuned,
      seconds,
    }
    say(row)
    rows.push(row)
  }
  return rows
}

/** The examples of the first steps one after the other, as `batching: 'random'` takes them; every batch is full. */
function inBatchOrder(train, { batchSize, seed }) {
  const ordered = []
  for (let epoch = 1; ordered.length < steps * batchSize; epoch++)
    ordered.push(...shuffledBatches(train, { batchSize, seed, epoch }).flat())
  return ordered.slice(0, steps * batchSize).map((index) => train[index])
}

async function tuneBase() {
  const rows = []
  const temporary = mkdtempSync(join(tmpdir(), 'tfx-bench-'))
  try {
    const text = readFileSync(join(options.data, 'tinyshakespeare', 'input.txt'), 'utf8')
    const cut = text.indexOf('\n\n', Math.floor(text.length * 0.9)) + 2
    const files = { train: join(temporary, 'train.txt'), test: join(temporary, 'test.txt') }
    writeFileSync(files.train, text.slice(0, cut))
    writeFileSync(files.test, text.slice(cut))
    for (const seed of seeds) {
      for (const [data, { train, test }] of [
        ['Tiny Shakespeare', files],
        ['Taskmaster-4', readTaskmaster(seed)],
      ]) {
        const settings = { ...quiet, maxSteps: steps, batchSize: 8, maxLength: 256, learningRate: 5e-4, seed }
        const perplexityOf = async (given) => {
          const bot = await transfer(options.base, train, { ...settings, ...given })
          const { perplexity } = await bot.evaluate(test)
          await bot.dispose()
          return perplexity
        }
        const untunedBase = await load(options.base)
        const untuned = (await untunedBase.evaluate(test, { truncation: true })).perplexity
        await untunedBase.dispose()
        const row = {
          data,
          seed,
          steps,
          untuned,
          tuned: await perplexityOf(),
          scratch: await perplexityOf({ fromScratch: true }),
        }
        say(row)
        rows.push(row)
      }
    }
  } finally {
    rmSync(temporary, { recursive: true })
  }
  return rows
}

async function preferAnswers() {
  const batchSize = 4
  const [rate, beta] = [5e-6, 0.1]
  const rows = JSON.parse(readFileSync(join(options.data, 'instruct', 'rasbt-preference.json'), 'utf8'))
  const pairs = rows
    .filter(({ chosen, rejected }) => chosen !== rejected)
    .slice(0, Number(options.pairs))
    .map(({ instruction, input, chosen, rejected }) => ({
      prompt: [{ role: 'user', content: input ? `${instruction}\n\n${input}` : instruction }],
      chosen: [{ role: 'assistant', content: chosen }],
      rejected: [{ role: 'assistant', content: rejected }],
    }))
  const seed = seeds[0]
  const count = Math.min(steps, pairs.length / batchSize)
  const losses = []
  let rewards
  const bot = await transfer(options.smollm2, pairs, {
    ...quiet,
    method: 'dpo',
    beta,
    chatTemplate: template,
    maxSteps: count,
    batchSize,
    batching: 'random',
    learningRate: rate,
    seed,
    validation: pairs,
    evaluateEvery: count,
    onEvent(event) {
      if (event.type === 'step') losses.push(event.loss)
      if (event.type === 'evaluate') rewards = event.metrics
    },
  })
  await bot.dispose()
  const train = shuffledBatches(pairs, { batchSize, seed, epoch: 1 })
    .flat()
    .map((index) => pairs[index])
  const job = { mode: 'dpo', model: options.smollm2, template, train, heldOut: pairs }
  const theirs = reference({ ...job, steps: count, batchSize, rate, beta, seed })
  const differences = losses.map((loss, step) => Math.abs(loss - theirs.losses[step]))
  const result = {
    steps: count,
    loss: { first: losses[0], last: losses.at(-1), worstDifference: Math.max(...differences) },
    rewardMargin: { ours: rewards.rewardMargin, reference: theirs.rewardMargin },
    passed:
      Math.max(...differences, Math.abs(rewards.rewardMargin - theirs.rewardMargin)) <= 1e-3 &&
      losses.length === count,
  }
  say(result)
  return { ...result, losses, referenceLosses: theirs.losses }
}

/** What reference/tune_chat.py makes of a job. */
function reference(job) {
  const script = fileURLToPath(new URL('reference/tune_chat.py', import.meta.url))
  const { stdout, status } = spawnSync(process.env.PYTHON ?? 'python3', [script], {
    input: JSON.stringify(job),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 1e8,
  })
  if (status !== 0) throw new Error(`${script} failed`)
  return JSON.parse(stdout.trim().split('\n').at(-1))
}
