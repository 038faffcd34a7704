import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTokenizer } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import type { Augmentation, TrainingBatch } from '@tfx/train'
import { describe, expect, it } from 'vitest'
import { augmentExamples } from '../src/augment-examples'
import { encodeDataset, encodeExamples } from '../src/encode'
import { headTask } from '../src/head-task'
import type { TextInput } from '../src/index'
import { trainingBatches } from '../src/training-batches'

const tokenizer = await loadTokenizer(fixturePath('core/bert-classification'), { maxLength: 32 })
const options = { tokenizer, maxLength: 6, truncation: false, caller: 'transfer' }
const long = { text: 'the movie was good good good' }

describe('encodeExamples', () => {
  it('keeps each example with its tokens', () => {
    const examples = [{ text: 'good' }, { text: 'good', textPair: 'bad' }]
    const encoded = encodeExamples(examples, options)
    expect(encoded.map(({ example }) => example)).toEqual(examples)
    expect(encoded.map(({ encoding }) => encoding.inputIds.length)).toEqual([3, 5])
    expect(encoded[1]!.encoding.tokenTypeIds).toEqual([0, 0, 0, 1, 1])
    expect(encodeExamples([], options)).toEqual([])
  })

  it('cuts long texts only when told to', () => {
    const cut = encodeExamples([long], { ...options, truncation: true })
    expect(cut[0]!.encoding.inputIds).toHaveLength(6)
    expect(() => encodeExamples([{ text: 'good' }, long, long], options)).toThrow(
      "transfer: 'text' must be at most 6 tokens long, which is what the model takes, but got 2 longer; the first is " +
        "'the movie was good good good'. Pass { truncation: true } to use their beginnings only, or shorten them.",
    )
  })
})

describe('encodeDataset', () => {
  /** Words that are soon encoded. */
  const words = `${'x'.repeat(120)} `.repeat(50)
  /** Just over a million characters. */
  const large = Array.from({ length: 180 }, (_, index) => ({ text: `bad ${index} ${words}`, label: index }))

  it('gives what encodeExamples gives, and keeps the tokens of a large set', async () => {
    const cacheDirectory = await mkdtemp(join(tmpdir(), 'tfx-tokens-'))
    const settings = { ...options, truncation: true, cacheDirectory }
    const expected = encodeExamples(large, settings)
    const few = large.slice(0, 5)
    expect(await encodeDataset(few, settings)).toEqual(expected.slice(0, 5))
    await encodeDataset(large, { ...settings, cacheTokens: false })
    expect(await readdir(cacheDirectory)).toEqual([])
    expect(await encodeDataset(large, settings)).toEqual(expected)
    expect(await readdir(join(cacheDirectory, 'tokens'))).toHaveLength(1)
    expect(await encodeDataset(large, settings)).toEqual(expected)
    // That texts were cut is kept too.
    await expect(encodeDataset(large, { ...settings, truncation: false })).rejects.toThrow(
      /but got 180 longer/,
    )
  })

  it('stops when told to', async () => {
    await expect(encodeDataset(large, { ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ERR_TFX_ABORTED',
    })
  })
})

const encodeCut = (maxLength: number) => async (changed: readonly TextInput[]) =>
  encodeExamples(changed, { ...options, maxLength, truncation: true })

describe('trainingBatches', () => {
  const config = { modelType: 'bert' } as never
  const examples = Array.from({ length: 10 }, (_, index) => ({
    text: Array(1 + (index % 4))
      .fill('good')
      .join(' '),
  }))
  const encoded = encodeExamples(examples, options)
  const task = headTask({
    targets: (chosen: readonly unknown[]) => ({
      count: { dtype: 'int32', shape: [], data: Int32Array.of(chosen.length) },
    }),
  } as never)
  async function run(batching: 'length' | 'random', epoch = 1, augmentation?: Augmentation) {
    const settings = {
      batchSize: 4,
      seed: 1,
      batching,
      augmentation,
      encodeChanged: encodeCut(6),
      collate: (chosen: typeof encoded) => task.collate(chosen, { tokenizer, config }),
      batchWeight: (chosen: typeof encoded) => task.batchWeight(chosen, { config, options: {} }),
      lengthOf: ({ encoding }: (typeof encoded)[number]) => encoding.inputIds.length,
    }
    const batches: TrainingBatch[] = []
    const source = trainingBatches(encoded, settings as never, epoch)
    for await (const batch of source) batches.push(batch)
    return batches
  }

  it.each(['length', 'random'] as const)('has every example once (%s)', async (batching) => {
    const batches = await run(batching)
    expect(batches).toHaveLength(3)
    expect(batches.reduce((sum, { examples }) => sum + examples, 0)).toBe(10)
    const tokens = encoded.reduce((sum, { encoding }) => sum + encoding.inputIds.length, 0)
    expect(batches.reduce((sum, batch) => sum + batch.tokens, 0)).toBe(tokens)
    for (const { inputs, examples, weight } of batches) {
      expect(weight).toBe(examples)
      expect(inputs.count!.data[0]).toBe(examples)
      expect(Object.keys(inputs)).toEqual(['inputIds', 'attentionMask', 'tokenTypeIds', 'count'])
    }
    expect(await run(batching)).toEqual(batches)
    expect(await run(batching, 2)).not.toEqual(batches)
  })

  it('changes the texts anew each epoch, each by its place, and cuts what becomes too long', async () => {
    const seen: string[] = []
    const longer: Augmentation = {
      name: 'longer',
      apply: (text, random) => {
        seen.push(text)
        return `${text}${' bad'.repeat(1 + random.integer(9))}`
      },
    }
    const batches = await run('random', 1, longer)
    expect(seen.sort()).toEqual(examples.map(({ text }) => text).sort())
    const rows = (all: TrainingBatch[]) => all.map(({ inputs }) => inputs.inputIds!.data)
    expect(rows(await run('random', 1, longer))).toEqual(rows(batches))
    expect(rows(await run('random', 2, longer))).not.toEqual(rows(batches))
    for (const { inputs, tokens, examples } of batches) {
      expect(inputs.inputIds!.shape[1]).toBeLessThanOrEqual(6)
      expect(inputs.count!.data[0]).toBe(examples)
      expect(tokens).toBeGreaterThanOrEqual(4 * examples)
    }
    // As many tokens in another order: an example's change does not depend on its batch.
    const tokens = (all: TrainingBatch[]) => all.reduce((sum, batch) => sum + batch.tokens, 0)
    expect(tokens(await run('length', 1, longer))).toBe(tokens(batches))
  })

  it('changes both texts of a pair, each in its own way', async () => {
    const pairs = encodeExamples([{ text: 'good', textPair: 'good' }, { text: 'good' }], options)
    const numbered: Augmentation = { name: 'numbered', apply: (text, random) => `${text} ${random.next()}` }
    const place = { augmentation: numbered, encodeChanged: encodeCut(30), seed: 1, epoch: 1 }
    const [pair, single] = await augmentExamples(pairs, [0, 1], place)
    expect(pair!.example.text).toMatch(/^good 0\.\d+$/)
    expect(pair!.example.textPair).toMatch(/^good 0\.\d+$/)
    expect(pair!.example.textPair).not.toBe(pair!.example.text)
    expect(single!.example).toEqual({ text: expect.stringMatching(/^good 0\.\d+$/) as string })
    expect(single!.example.text).not.toBe(pair!.example.text)
    expect(pairs[0]!.example).toEqual({ text: 'good', textPair: 'good' })
  })
})
