// Whether a GGUF file alone is a model: the tokens that ours and transformers write greedily behind some prompts, from
// the same file. By reference/generate_gguf.py.
//
//     PYTHON=... node bench/check-smollm2.mjs SmolLM2-135M-Instruct.Q4_1.gguf
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createDecoderSteps, generate, getEngine, loadCheckpoint, setEngine } from './ours/packages.mjs'

const [path] = process.argv.slice(2)
const task = 'causal-language-modelling'
const prompts = [
  'Gravity is',
  'The capital of France is Paris, and that of Italy',
  '<|im_start|>user\nWhat is the largest planet?<|im_end|>\n<|im_start|>assistant\n',
]
const script = fileURLToPath(new URL('reference/generate_gguf.py', import.meta.url))
const { stdout, status } = spawnSync(
  process.env.PYTHON ?? 'python3',
  [script, path, JSON.stringify(prompts)],
  {
    stdio: ['inherit', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1e8,
  },
)
if (status !== 0) throw new Error(`${script} failed`)
const expected = JSON.parse(stdout)

const checkpoint = await loadCheckpoint(path, { kind: 'decoder' })
const { config, tokenizer, generation } = checkpoint
const specs = checkpoint.family.parameterShapes(config, task)
await setEngine('onnx')
const engine = await getEngine()
const store = engine.createStore(
  Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape])),
)
await checkpoint.loadParameters(task, { write: (name, values) => store.write(name, values) })
const model = createDecoderSteps(engine, { config, store })
for (const [index, prompt] of prompts.entries()) {
  const { ids, written } = expected[index]
  const { inputIds } = tokenizer.encode(prompt)
  const [[{ tokens }]] = await generate(model, [inputIds], { ...generation, maxNewTokens: 40 })
  const isSame =
    JSON.stringify(inputIds) === JSON.stringify(ids) && JSON.stringify(tokens) === JSON.stringify(written)
  console.log(`${isSame ? 'the same' : 'OTHER'} ${tokens.length} tokens: ${tokenizer.decode(tokens)}`)
  if (isSame) continue
  process.exitCode = 1
  console.log(`expected ids ${ids} and tokens ${written}, got ${inputIds} and ${tokens}`)
}
await model.dispose()
