// Trains adapters, saves them in PEFT's format, and has PEFT predict with them: probabilities must agree within 1e-5, and what
// models write token for token.
//
//     npm run build && PYTHON=python3 node bench/check-adapter.mjs      # needs torch, transformers, peft
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  ia3,
  lora,
  packageDirectory,
  promptTuning,
  trainTranslator,
  transfer,
  transferChat,
} from './ours/packages.mjs'

const base = packageDirectory('base-encoder')
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
/** Models that write, each with what continues or translates some texts greedily. */
const writers = {
  decoder: {
    base: packageDirectory('base-decoder'),
    prompts: ['a great', 'the dull film', 'this'],
    train: (base, options) =>
      transferChat(
        base,
        rows.map(({ text }) => ({ text })),
        options,
      ),
    async write(model, text) {
      let written = ''
      for await (const piece of model.generate(text, { maxNewTokens: 12 })) written += piece
      return written
    },
  },
  'encoder-decoder': {
    base: packageDirectory('base-seq2seq'),
    prompts: ['a great film number 3', 'this dull film number 31'],
    prefix: 'translate English to German: ',
    train: (base, options) =>
      trainTranslator(
        base,
        rows.map(({ text }) => ({ en: text, de: text.toUpperCase() })),
        { ...options, source: 'en', target: 'de' },
      ),
    write: (model, text) => model.translate(text, { numBeams: 1, split: 'none', maxNewTokens: 12 }),
  },
}
const root = mkdtempSync(join(tmpdir(), 'tfx-adapter-'))
const quiet = { validation: false, progress: false }
const files = []
try {
  for (const [name, adapter] of Object.entries(adapters)) {
    const model = await transfer(base, rows, {
      epochs: 1,
      adapter,
      learningRate: 2e-3,
      ...quiet,
    })
    const directory = join(root, name)
    await model.saveAdapter(directory)
    const scores = (await model.predict(texts)).map(({ scores }) =>
      model.labels.map((label) => scores[label]),
    )
    writeFileSync(`${directory}.json`, JSON.stringify({ base, directory, texts, scores }))
    files.push(`${directory}.json`)
    await model.dispose()
  }
  for (const [kind, { base: own, prompts, prefix = '', train, write }] of Object.entries(writers)) {
    for (const [name, adapter] of Object.entries({ ...adapters, rslora: lora({ rankStabilized: true }) })) {
      const rate = name === 'prompt' ? 0.1 : 5e-3
      const model = await train(own, { epochs: 2, adapter, learningRate: rate, ...quiet })
      const directory = join(root, `${kind}-${name}`)
      await model.saveAdapter(directory)
      const texts = prompts.map((text) => prefix + text)
      const written = []
      for (const text of prompts) written.push(await write(model, text))
      writeFileSync(`${directory}.json`, JSON.stringify({ base: own, directory, texts, written }))
      files.push(`${directory}.json`)
      await model.dispose()
    }
  }
  const script = fileURLToPath(new URL('reference/check_adapter.py', import.meta.url))
  execFileSync(process.env.PYTHON ?? 'python3', [script, ...files], { stdio: 'inherit' })
} finally {
  rmSync(root, { recursive: true, force: true })
}
