import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTokenizer } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { encodeDataset, encodeExamples, type TrainingBatchesOptions, trainingBatches } from '../src/encode'

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

describe('trainingBatches', () => {
  const config = { modelType: 'bert' } as TrainingBatchesOptions<{ text: string }>['config']
  const examples = Array.from({ length: 10 }, (_, index) => ({
    text: Array(1 + (index % 4))
      .fill('good')
      .join(' '),
  }))
  const encoded = encodeExamples(examples, options)
  const head = {
    targets: (chosen: readonly unknown[]) => ({
      count: { dtype: 'int32', shape: [], data: Int32Array.of(chosen.length) },
    }),
  }
  const run = (batching: 'length' | 'random', epoch = 1) => [
    ...trainingBatches(encoded, { tokenizer, config, head, batchSize: 4, seed: 1, batching } as never, epoch),
  ]

  it.each(['length', 'random'] as const)('has every example once (%s)', (batching) => {
    const batches = run(batching)
    expect(batches).toHaveLength(3)
    expect(batches.reduce((sum, { examples }) => sum + examples, 0)).toBe(10)
    const tokens = encoded.reduce((sum, { encoding }) => sum + encoding.inputIds.length, 0)
    expect(batches.reduce((sum, batch) => sum + batch.tokens, 0)).toBe(tokens)
    for (const { inputs, examples, weight } of batches) {
      expect(weight).toBe(examples)
      expect(inputs.count!.data[0]).toBe(examples)
      expect(Object.keys(inputs)).toEqual(['inputIds', 'attentionMask', 'tokenTypeIds', 'count'])
    }
    expect(run(batching)).toEqual(batches)
    expect(run(batching, 2)).not.toEqual(batches)
  })
})
