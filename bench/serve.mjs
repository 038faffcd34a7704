// First token and tokens per second of a language model's replies, on the same weights: `chat` of @tfx/chat, Transformers.js,
// and Hugging Face where PYTHON names an interpreter that has it; then `tfx serve` with 1, 4 and 16 clients at once, and how
// long it takes to say its models meanwhile.
//
//     npm run build && PYTHON=… node bench/serve.mjs --model DIRECTORY [--tokens 64] [--rounds 5]
//         [--precisions float32,int8,int4] [--json]
//
// Greedy, one prompt for each client; Hugging Face in float32 alone, `tfx serve` in the first of the precisions. Times are
// medians; a reply that differs from the others' in float32 is reported.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { load } from './ours/packages.mjs'

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    tokens: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '5' },
    precisions: { type: 'string', default: 'float32,int8,int4' },
    json: { type: 'boolean', default: false },
  },
})
if (options.model === undefined)
  throw new Error('--model names the directory of a model with a chat template')
const [tokens, rounds] = [Number(options.tokens), Number(options.rounds)]
const subjects = ['the sea', 'a clock', 'bread', 'the moon', 'a bridge', 'rain', 'an old map', 'a violin']
const question = (index) => [{ role: 'user', content: `Tell me about ${subjects[index % subjects.length]}.` }]
const cli = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url))
const dtypes = { float32: 'fp32', int8: 'q8', int4: 'q4' }
const folder = mkdtempSync(join(tmpdir(), 'tfx-serve-'))

try {
  const precisions = options.precisions.split(',')
  exportModel(precisions)
  const rows = []
  for (const precision of precisions) {
    rows.push(await ours(precision), await theirs(precision))
    if (precision === 'float32') rows.push(hugFace())
  }
  const whole = rows.filter((row) => row?.name.endsWith('float32'))
  const replies = new Set(whole.map(({ text }) => text))
  if (replies.size > 1)
    console.error('The replies differ:', Object.fromEntries(whole.map(({ name, text }) => [name, text])))
  const served = await serve([1, 4, 16], precisions[0])
  const single = rows.filter(Boolean).map(({ name, firstTokenMs, tokensPerSecond, tokens: count }) => {
    return { name, firstTokenMs, tokensPerSecond, tokens: count }
  })
  if (options.json) console.log(JSON.stringify({ single, served }))
  else {
    console.table(single)
    console.table(served)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function ours(precision) {
  const model = await load(options.model, { precision })
  const row = await timed(`tfx, ${precision}`, async (onToken) => {
    let [text, count] = ['', 0]
    const onEnd = ({ completionTokens }) => (count = completionTokens)
    const settings = { maxNewTokens: tokens, temperature: 0, onEnd }
    for await (const piece of model.chat(question(0), settings)) {
      onToken()
      text += piece
    }
    return { text, count }
  })
  await model.dispose()
  return row
}

/** The weights as Transformers.js reads them. */
function exportModel(precisions) {
  const target = join(folder, 'model')
  const command = ['export', options.model, '-o', target, '--onnx', precisions.join()]
  const { status, stderr } = spawnSync(process.execPath, [cli, ...command])
  if (status !== 0) throw new Error(String(stderr))
}

/** Transformers.js, on the ONNX files that tfx exports of the weights. */
async function theirs(precision) {
  // Not a dependency of this folder: the one that the tests of @tfx/core use.
  const path = '../packages/core/node_modules/@huggingface/transformers/dist/transformers.node.mjs'
  const { AutoModelForCausalLM, AutoTokenizer, BaseStreamer, env } = await import(
    new URL(path, import.meta.url).href
  )
  env.allowRemoteModels = false
  env.localModelPath = folder
  const tokenizer = await AutoTokenizer.from_pretrained('model')
  const model = await AutoModelForCausalLM.from_pretrained('model', { dtype: dtypes[precision] })
  const row = await timed(`Transformers.js, ${precision}`, async (onToken) => {
    const inputs = tokenizer.apply_chat_template(question(0), {
      add_generation_prompt: true,
      return_dict: true,
    })
    class Streamer extends BaseStreamer {
      isPrompt = true
      put() {
        if (!this.isPrompt) onToken()
        this.isPrompt = false
      }
      end() {}
    }
    const settings = { max_new_tokens: tokens, do_sample: false, streamer: new Streamer() }
    const written = (await model.generate({ ...inputs, ...settings }))
      .tolist()[0]
      .slice(inputs.input_ids.dims[1])
    return { text: tokenizer.decode(written, { skip_special_tokens: true }), count: written.length }
  })
  await model.dispose()
  return row
}

function hugFace() {
  const { PYTHON } = process.env
  if (PYTHON === undefined) return undefined
  const script = fileURLToPath(new URL('reference/chat.py', import.meta.url))
  const settings = [options.model, JSON.stringify(question(0)), String(tokens), String(rounds)]
  const { status, stdout } = spawnSync(PYTHON, [script, ...settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${script} failed`)
  const { first, total, count, text } = JSON.parse(String(stdout))
  return summary('Hugging Face, float32', { firsts: first, totals: total, count, text })
}

/** Times a reply: once to warm up, then `rounds` times. */
async function timed(name, reply) {
  const [firsts, totals] = [[], []]
  let result
  for (let round = 0; round <= rounds; round++) {
    const started = performance.now()
    let first
    result = await reply(() => (first ??= performance.now() - started))
    if (round === 0) continue
    firsts.push(first)
    totals.push(performance.now() - started)
  }
  return summary(name, { firsts, totals, ...result })
}

function summary(name, { firsts, totals, count, text }) {
  return {
    name,
    firstTokenMs: round(median(firsts)),
    // Behind the first token.
    tokensPerSecond: round(((count - 1) / (median(totals) - median(firsts))) * 1000),
    tokens: count,
    text,
  }
}

/** The server in a process of its own, with some numbers of clients at once. */
async function serve(counts, precision) {
  const server = spawn(
    process.execPath,
    [cli, 'serve', options.model, '--port', '0', '--quiet', '--name', 'model', '--precision', precision],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  try {
    const [line] = await once(createInterface({ input: server.stdout }), 'line')
    const url = /http:\S+/.exec(line)[0]
    await client(url, 0)
    const rows = []
    for (const clients of counts) {
      const started = performance.now()
      const pings = pingModels(url)
      const replies = await Promise.all(Array.from({ length: clients }, (_, index) => client(url, index)))
      const slowestModelsMs = round(await pings.stop())
      const seconds = (performance.now() - started) / 1000
      const written = replies.reduce((sum, reply) => sum + reply.count, 0)
      const firsts = replies.map(({ first }) => first)
      rows.push({
        clients,
        medianFirstTokenMs: round(median(firsts)),
        slowestFirstTokenMs: round(Math.max(...firsts)),
        tokensPerSecond: round(written / seconds),
        slowestModelsMs,
      })
    }
    return rows
  } finally {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
}

/** Asks for the models again and again; `stop` tells the slowest answer. */
function pingModels(url) {
  let [slowest, isOn] = [0, true]
  const pinging = (async () => {
    while (isOn) {
      const started = performance.now()
      await (await fetch(`${url}/v1/models`)).json()
      slowest = Math.max(slowest, performance.now() - started)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })()
  return {
    async stop() {
      isOn = false
      await pinging
      return slowest
    },
  }
}

async function client(url, index) {
  const started = performance.now()
  const body = {
    ...{ model: 'model', messages: question(index), max_tokens: tokens, temperature: 0 },
    ...{ stream: true, stream_options: { include_usage: true } },
  }
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(await response.text())
  let [first, count, rest] = [undefined, 0, '']
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + chunk).split('\n\n')
    rest = events.pop()
    for (const event of events) {
      if (event === 'data: [DONE]') continue
      const { choices, usage } = JSON.parse(event.slice('data: '.length))
      if (choices[0]?.delta.content) first ??= performance.now() - started
      count = usage?.completion_tokens ?? count
    }
  }
  return { first, count }
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1]
}

function round(number) {
  return Math.round(number * 10) / 10
}
