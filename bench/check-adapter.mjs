// Trains adapters, saves them in PEFT's format, and has PEFT predict with them: the answers must agree within 1e-5.
//
//     npm run build && PYTHON=python3 node bench/check-adapter.mjs      # needs torch, transformers, peft
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ia3, lora, promptTuning, transfer } from './ours/packages.mjs'

const base = fileURLToPath(new URL('../packages/base-encoder', import.meta.url))
const rows = Array.from({ length: 96 }, (_, row) => ({
  text: `${['a', 'the', 'this'][row % 3]} ${row % 2 === 0 ? 'great' : 'dull'} film number ${row}`,
  label: row % 2 === 0 ? 'yes' : 'no',
}))
const texts = rows.slice(0, 12).map(({ text }) => text)
const adapters = {
  lora: lora(),
  rslora: lora({ rankStabilized: true, targets: ['key', 'output.dense'] }),
  dora: lora({ decomposed: true }),
  ia3: ia3(),
  prompt: promptTuning({ virtualTokens: 6, text: 'a great film' }),
}
const root = mkdtempSync(join(tmpdir(), 'tfx-adapter-'))
try {
  for (const [name, adapter] of Object.entries(adapters)) {
    const model = await transfer(base, rows, {
      epochs: 1,
      adapter,
      learningRate: 2e-3,
      validation: false,
      progress: false,
    })
    const directory = join(root, name)
    await model.saveAdapter(directory)
    const scores = (await model.predict(texts)).map(({ scores }) =>
      model.labels.map((label) => scores[label]),
    )
    writeFileSync(join(root, `${name}.json`), JSON.stringify({ base, directory, texts, scores }))
    await model.dispose()
  }
  const script = fileURLToPath(new URL('reference/check_adapter.py', import.meta.url))
  const files = Object.keys(adapters).map((name) => join(root, `${name}.json`))
  execFileSync(process.env.PYTHON ?? 'python3', [script, ...files], { stdio: 'inherit' })
} finally {
  rmSync(root, { recursive: true, force: true })
}
