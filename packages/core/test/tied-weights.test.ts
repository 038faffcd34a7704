import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  loadCheckpoint,
  loadTokenizer,
  openSafetensors,
  saveCheckpoint,
  writeSafetensors,
} from '../src/index'
import { decoderShapes, loadDecoderFixture } from './decoder-contract'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfx-tied-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A GPT-2 whose checkpoint also has the output layer that is tied to its embeddings. */
async function checkpointWithCopy(name: string, change: (values: Float32Array) => Float32Array) {
  const directory = join(folder, name)
  const fixture = await loadDecoderFixture('gpt2')
  const tensors = [...fixture.weights].map(([key, { shape, values }]) => ({ key, shape, values }))
  const embeddings = fixture.weights.get('transformer.wte.weight')!
  const all = [
    ...tensors,
    { key: 'lm_head.weight', shape: embeddings.shape, values: change(embeddings.values) },
  ]
  await writeFile(join(folder, 'vocab.txt'), '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n')
  const tokenizer = await loadTokenizer(folder)
  await saveCheckpoint(directory, {
    config: fixture.config,
    task: 'causal-language-modelling',
    tokenizer,
    generation: { maxNewTokens: 7, eosTokenIds: [2] },
    parameters: {
      shapes: decoderShapes(fixture, 'causal-language-modelling'),
      read: (key) => Promise.resolve(fixture.weights.get(key)!.values),
    },
  })
  await writeSafetensors(
    join(directory, 'model.safetensors'),
    all.map(({ key, shape, values }) => ({
      name: key,
      shape,
      dtype: 'F32',
      data: () => Promise.resolve(values),
    })),
  )
  return loadCheckpoint(directory, { kind: 'decoder' })
}

it('passes over a copy of tied weights', async () => {
  const checkpoint = await checkpointWithCopy('same', (values) => values)
  const report = await checkpoint.loadParameters('causal-language-modelling', { write: () => undefined })
  expect(report).toMatchObject({ missing: [], newlyInitialised: [] })
  expect(report.unexpected).not.toContain('lm_head.weight')
})

it('refuses a copy that is not one', async () => {
  const checkpoint = await checkpointWithCopy('other', (values) => values.map((value) => value + 1))
  await expect(
    checkpoint.loadParameters('causal-language-modelling', { write: () => undefined }),
  ).rejects.toThrow(
    /whose 'lm_head.weight' equals 'transformer.wte.weight', since config.json ties them, but got one where they differ\. Set tie_word_embeddings to false/,
  )
})

it('loads the checkpoint that it saved, weights and all', async () => {
  const checkpoint = await checkpointWithCopy('whole', (values) => values)
  const file = await openSafetensors(join(folder, 'whole', 'model.safetensors'))
  const write = async (name: string, values: Float32Array) => expect(values).toEqual(await file.read(name))
  expect(checkpoint.generation).toEqual({ maxNewTokens: 7, eosTokenIds: [2] })
  const { loaded } = await checkpoint.loadParameters('causal-language-modelling', { write })
  expect(loaded.length).toBeGreaterThan(20)
  await file.close()
})
