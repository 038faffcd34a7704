import { loadTokenizer } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeWhole, packBlocks } from '../src/pretrain/packing'
import { writingBatch } from '../src/pretrain/writing-objective'

describe('packBlocks', () => {
  it('loses nothing, changes nothing, and fills every block but the last', () => {
    const sequences = fc.array(fc.array(fc.nat(9000), { maxLength: 30 }), { maxLength: 20 })
    fc.assert(
      fc.property(sequences, fc.integer({ min: 1, max: 40 }), (sequences, length) => {
        const blocks = [...packBlocks(sequences, length)]
        expect(blocks.flatMap((block) => [...block])).toEqual(sequences.flat())
        for (const block of blocks.slice(0, -1)) expect(block).toHaveLength(length)
        for (const block of blocks.slice(-1)) expect(block.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('encodeWhole', () => {
  it('keeps whole texts, each closed once, and leaves out blank ones', async () => {
    const tokenizer = await loadTokenizer(fixturePath('../packages/base-seq2seq'), { maxLength: 4 })
    const text = 'A text that is longer than the model takes.'
    const [first, ...others] = encodeWhole({ texts: [text, ' ', ''] }, 'texts', { tokenizer, end: 1 })
    expect(others).toEqual([])
    expect([...first!.slice(-2)].filter((id) => id === 1)).toEqual([1])
    expect(tokenizer.decode([...first!])).toBe(text)
  })
})

const rows = ({ data, shape }: { data: ArrayLike<number | bigint>; shape: readonly number[] }) =>
  Array.from({ length: shape[0]! }, (_, row) =>
    Array.from(data, Number).slice(row * shape[1]!, (row + 1) * shape[1]!),
  )

describe('batches', () => {
  it('of a decoder: nothing is read or asked for behind the end of a block', () => {
    const blocks = [Int32Array.of(5, 6, 7), Int32Array.of(8, 9)]
    const same = blocks.map((block) => ({ inputIds: block, labels: block }))
    const { inputs, weight, tokens, examples } = writingBatch(same, { padTokenId: 0, isDecoder: true })
    expect(rows(inputs.inputIds!)).toEqual([
      [5, 6, 7],
      [8, 9, 0],
    ])
    expect(rows(inputs.attentionMask!)).toEqual([
      [1, 1, 1],
      [1, 1, 0],
    ])
    expect(rows(inputs.labels!)).toEqual([
      [5, 6, 7],
      [8, 9, -100],
    ])
    // The first token of a block is not predicted.
    expect({ weight, tokens, examples }).toEqual({ weight: 3, tokens: 5, examples: 2 })
  })

  it('of an encoder-decoder: both sides are padded by themselves', () => {
    const { inputs, weight, tokens } = writingBatch(
      [
        { inputIds: [5, 6, 1], labels: [9, 1] },
        { inputIds: [7, 1], labels: [9, 8, 1] },
      ],
      { padTokenId: 0, isDecoder: false },
    )
    expect(rows(inputs.inputIds!)).toEqual([
      [5, 6, 1],
      [7, 1, 0],
    ])
    expect(rows(inputs.attentionMask!)).toEqual([
      [1, 1, 1],
      [1, 1, 0],
    ])
    expect(rows(inputs.labels!)).toEqual([
      [9, 1, -100],
      [9, 8, 1],
    ])
    expect({ weight, tokens }).toEqual({ weight: 5, tokens: 10 })
  })
})
