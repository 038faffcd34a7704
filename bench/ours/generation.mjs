// Times our text generation on request: the counterpart of ../reference/generation.py, with the same protocol as step.mjs.
//
//     node bench/ours/generation.mjs --model gpt2 --batch 8 --beams 1 [--engine transformers.js]
//
// Prompts of 32 tokens, 64 new ones, random weights. With --engine transformers.js the same weights run there.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import {
  createDecoderSteps,
  exportDecoder,
  formatConfig,
  generate,
  getEngine,
  readConfig,
  setEngine,
} from './packages.mjs'
import { createStore, peakMemoryMegabytes } from './training-step.mjs'

const promptLength = 32
const newTokens = 64
const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    batch: { type: 'string' },
    beams: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'tfx' },
  },
})
const [batch, numBeams] = [Number(options.batch), Number(options.beams)]
const models = JSON.parse(readFileSync(new URL('../models.json', import.meta.url), 'utf8'))
const config = readConfig(models[options.model])
const prompts = Array.from({ length: batch }, (_, row) =>
  Array.from({ length: promptLength }, (_, column) => ((row * promptLength + column) * 7919) % 40000),
)
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)

await setEngine('onnx')
const engine = await getEngine()
const store = await createStore(engine, config)
const write = options.engine === 'tfx' ? ours() : await theirs()

function ours() {
  const model = createDecoderSteps(engine, { config, store })
  const settings = {
    maxNewTokens: newTokens,
    minNewTokens: newTokens,
    numBeams,
    eosTokenIds: config.eosTokenIds,
  }
  return () => generate(model, prompts, settings)
}

/** The exported model in Transformers.js, which has no beams: 1 only. */
async function theirs() {
  // Not a dependency of this folder: the one that the tests of @tfx/core use.
  const path = '../../packages/core/node_modules/@huggingface/transformers/dist/transformers.node.mjs'
  const { AutoModelForCausalLM, env, Tensor } = await import(new URL(path, import.meta.url).href)
  const folder = await mkdtemp(join(tmpdir(), 'tfx-bench-'))
  process.on('exit', () => void rm(folder, { recursive: true, force: true }))
  env.allowRemoteModels = false
  env.localModelPath = folder
  const toBytes = await exportDecoder({ config, read: (name) => store.read(name) })
  await mkdir(join(folder, 'model', 'onnx'), { recursive: true })
  await writeFile(join(folder, 'model', 'onnx', 'model.onnx'), toBytes('float32'))
  await writeFile(
    join(folder, 'model', 'config.json'),
    JSON.stringify(formatConfig(config, 'causal-language-modelling')),
  )
  const model = await AutoModelForCausalLM.from_pretrained('model', { dtype: 'fp32' })
  await rm(folder, { recursive: true, force: true })
  const int64 = (rows) =>
    new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, promptLength])
  return () =>
    model.generate({
      input_ids: int64(prompts),
      attention_mask: int64(prompts.map((prompt) => prompt.map(() => 1))),
      max_new_tokens: newTokens,
      min_new_tokens: newTokens,
      do_sample: false,
    })
}

await write()
say({ ready: { node: process.version } })
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(' ')
  if (command === 'run') {
    const times = []
    while (times.length < Number(argument)) {
      const started = performance.now()
      await write()
      times.push(performance.now() - started)
    }
    say({ milliseconds: times, optimizerMilliseconds: times.map(() => 0) })
  } else if (command === 'quit') {
    say({ peakMB: peakMemoryMegabytes() })
    break
  }
}
process.exit(0)
