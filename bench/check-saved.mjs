// Checks that Python's transformers reads a saved classifier as we do: reference/check_saved.py on our logits.
//
//     node bench/check-saved.mjs DIR [TEXTS.json]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getEngine, loadTokenizer, modelFamily, setEngine } from './ours/packages.mjs'
import { batchOf, configOf, createStore } from './ours/training-step.mjs'

const [directory, textsFile] = process.argv.slice(2)
const texts = textsFile
  ? JSON.parse(readFileSync(textsFile, 'utf8'))
  : [
      'A great film.',
      'Dreadful; I want my money back!',
      'It was fine, neither good nor bad, café included.',
      'no',
    ]

const scratch = mkdtempSync(join(tmpdir(), 'tfx-check-'))
try {
  const files = [join(scratch, 'texts.json'), join(scratch, 'logits.json')]
  writeFileSync(files[0], JSON.stringify(texts))
  writeFileSync(files[1], JSON.stringify(await logitsOf(texts)))
  const script = fileURLToPath(new URL('reference/check_saved.py', import.meta.url))
  const python = process.env.PYTHON ?? 'python3'
  const { status } = spawnSync(python, [script, directory, ...files], { stdio: 'inherit' })
  process.exitCode = status ?? 1
} finally {
  rmSync(scratch, { recursive: true })
}

async function logitsOf(texts) {
  await setEngine('onnx')
  const engine = await getEngine()
  const config = configOf(directory)
  const store = await createStore(engine, config, { weights: directory })
  const family = modelFamily(config.modelType)
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' }
  const program = await engine.compile(
    ({ inputs, parameters }) => {
      const run = { config, training: false }
      const hidden = family.backbone(parameters, inputs, run)
      return {
        logits: family.sequenceClassificationHead(parameters, hidden, {
          ...run,
          attentionMask: inputs.attentionMask,
        }),
      }
    },
    { inputs: { inputIds: ids, attentionMask: ids }, parameters: store },
  )
  const tokenizer = await loadTokenizer(directory)
  const rows = tokenizer.encodeBatch(texts).map(({ inputIds }) => inputIds)
  const { inputIds, attentionMask } = batchOf(rows, [])
  const { logits } = await program.run({ inputIds, attentionMask })
  const classes = logits.shape[1]
  return texts.map((_, row) => [...logits.data.subarray(row * classes, (row + 1) * classes)])
}
