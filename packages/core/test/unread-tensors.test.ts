import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixturePath } from '@tfx/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadCheckpoint, saveCheckpoint, writeSafetensors } from '../src/index'
import { readTensors } from './model-contract'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfx-unread-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const words = 'model.shared.weight'
const copies = ['encoder', 'decoder'].map((half) => `model.${half}.embed_tokens.weight`)
const positions = 'model.decoder.embed_positions.weight'
const identity = (value: number) => value

/** Loads Marian with one of its tensors changed and some of them once more, perhaps saved without its head. */
async function loadWith({
  name = words,
  change = identity,
  copiesOfWords = [],
  isBackbone = false,
}: {
  name?: string
  change?: (value: number, index: number) => number
  copiesOfWords?: string[]
  isBackbone?: boolean
}) {
  const directory = await mkdtemp(join(folder, 'model-'))
  await cp(fixturePath('core/variants/marian-odd'), directory, { recursive: true })
  const path = join(directory, 'model.safetensors')
  const weights = new Map(await readTensors(path))
  for (const copy of copiesOfWords) weights.set(copy, weights.get(words)!)
  const { shape, values } = weights.get(name)!
  weights.set(name, { shape, values: values.map(change) })
  const tensors = [...weights].map(([key, tensor]) => ({
    name: isBackbone ? key.replace(/^model\./, '') : key,
    shape: tensor.shape,
    dtype: 'F32' as const,
    data: () => Promise.resolve(tensor.values),
  }))
  await writeSafetensors(path, tensors)
  const checkpoint = await loadCheckpoint(directory, { kind: 'encoder-decoder' })
  return checkpoint.loadParameters('sequence-to-sequence', { write: () => undefined })
}

it.each([{ isBackbone: false }, { isBackbone: true }])('passes over copies, %j', async (saved) => {
  const report = await loadWith({ ...saved, copiesOfWords: copies })
  expect(report).toMatchObject({ newlyInitialised: [], unexpected: [] })
})

it('saves the positions that it computes, which Python would miss', async () => {
  const directory = fixturePath('core/variants/marian-odd')
  const theirs = await readTensors(join(directory, 'model.safetensors'))
  const { config, tokenizer } = await loadCheckpoint(directory, { kind: 'encoder-decoder' })
  const parameters = { shapes: {}, read: () => Promise.reject(new Error('there are none')) }
  const saved = join(folder, 'saved')
  await saveCheckpoint(saved, { config, task: 'feature-extraction', tokenizer, parameters })
  const tables = await readTensors(join(saved, 'model.safetensors'))
  expect([...tables.keys()].sort()).toEqual([positions, positions.replace('decoder', 'encoder')])
  for (const [name, { values }] of tables)
    expect(values).toBeAllClose(theirs.get(name)!.values, { absolute: 1e-6 })
})

it('takes what rounding to float16 makes of sinusoids', async () => {
  const rounded = { name: positions, change: (value: number) => Math.round(value * 2048) / 2048 }
  expect(await loadWith(rounded)).toMatchObject({ unexpected: [] })
})

it.each([
  [{ name: copies[1]!, isBackbone: true }, "'decoder.embed_tokens.weight' equals 'shared.weight'"],
  [
    { name: copies[0]! },
    `'${copies[0]}' equals '${words}', but got one where they differ. In tfx encoder and`,
  ],
  [{ name: positions }, `'${positions}' has sinusoidal positions, but got one where they were trained`],
  [{ name: positions, isBackbone: true }, "'decoder.embed_positions.weight' has sinusoidal positions"],
])('refuses what it would compute otherwise: %j', async (which, message) => {
  const change = (value: number, index: number) => (index === 100 ? value + 0.001 : value)
  await expect(loadWith({ ...which, change, copiesOfWords: copies })).rejects.toThrow(message)
})
