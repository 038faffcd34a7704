import { ArgumentError, DataError } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classLabels, collate, regressionTargets, type CollateOptions, type Encoding } from '../src/index'

describe('collate', () => {
  it('pads ids, masks and token types on the right', () => {
    const batch = collate(
      [
        { inputIds: [5, 6, 7], attentionMask: [1, 0, 1], tokenTypeIds: [0, 1, 1] },
        { inputIds: Int32Array.of(8), tokenTypeIds: [1] },
      ],
      { padTokenId: 9, padToMultipleOf: 4 },
    )
    const tensor = (data: number[]) => ({ dtype: 'int32', shape: [2, 4], data: Int32Array.from(data) })
    expect(batch).toEqual({
      inputIds: tensor([5, 6, 7, 9, 8, 9, 9, 9]),
      attentionMask: tensor([1, 0, 1, 0, 1, 0, 0, 0]),
      tokenTypeIds: tensor([0, 1, 1, 0, 1, 0, 0, 0]),
      lengths: [3, 1],
    })
  })

  it('gives every token back, and a mask of exactly the tokens', () => {
    const ids = fc.array(fc.array(fc.nat(30_000), { minLength: 1, maxLength: 40 }), {
      minLength: 1,
      maxLength: 12,
    })
    fc.assert(
      fc.property(
        ids,
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 40, max: 50 }),
        (ids, multiple, maxLength) => {
          const encodings = ids.map((inputIds) => ({ inputIds }))
          const batch = collate(encodings, { padTokenId: 0, padToMultipleOf: multiple, maxLength })
          const [rows, columns] = batch.inputIds.shape as [number, number]
          const longest = Math.max(...ids.map(({ length }) => length))
          expect(rows).toBe(ids.length)
          expect(columns).toBe(Math.min(maxLength, Math.ceil(longest / multiple) * multiple))
          expect(batch.attentionMask.shape).toEqual([rows, columns])
          expect(batch.tokenTypeIds).toBeUndefined()
          expect(batch.lengths).toEqual(ids.map(({ length }) => length))
          ids.forEach((row, index) => {
            const at = index * columns
            expect([...batch.inputIds.data.subarray(at, at + row.length)]).toEqual(row)
            expect(batch.inputIds.data.subarray(at + row.length, at + columns).every((id) => id === 0)).toBe(
              true,
            )
            const mask = [...batch.attentionMask.data.subarray(at, at + columns)]
            expect(mask).toEqual(mask.map((_, place) => (place < row.length ? 1 : 0)))
          })
        },
      ),
    )
  })

  const one = { inputIds: [1] }
  it.each<[Encoding[], Partial<CollateOptions>, typeof ArgumentError | typeof DataError, string]>([
    [[], {}, ArgumentError, "collate: 'encodings' must be at least one encoding, but got empty."],
    [[one], { padTokenId: -1 }, ArgumentError, "'padTokenId' must be an integer of at least 0, but got -1."],
    [
      [one],
      { padToMultipleOf: 0 },
      ArgumentError,
      "'padToMultipleOf' must be an integer of at least 1, but got 0.",
    ],
    [[one], { maxLength: 0 }, ArgumentError, "'maxLength' must be an integer of at least 1, but got 0."],
    [
      [one, { inputIds: [] }],
      {},
      DataError,
      "'encodings[1].inputIds' must be at least one token, but got 0.",
    ],
    [
      [one, { inputIds: [1, 2, 3] }],
      { maxLength: 2 },
      DataError,
      "collate: 'encodings[1].inputIds' must be at most the 2 tokens that the model takes, but got 3. Tokenize with special tokens, and with truncation to the maximum length.",
    ],
    [
      [{ inputIds: [1], attentionMask: [1, 1] }],
      {},
      DataError,
      "'encodings[0].attentionMask' must be as long as the 1 inputIds, but got 2.",
    ],
    [
      [{ inputIds: [1], tokenTypeIds: [] }],
      {},
      DataError,
      "'encodings[0].tokenTypeIds' must be as long as the 1 inputIds, but got 0.",
    ],
    [
      [one, { inputIds: [1], tokenTypeIds: [0] }],
      {},
      DataError,
      "'encodings[1].tokenTypeIds' must be absent, as in encodings[0], but got there.",
    ],
    [
      [{ inputIds: [1], tokenTypeIds: [0] }, one],
      {},
      DataError,
      'must be there, as in encodings[0], but got absent.',
    ],
  ])('mistake %#', (encodings, options, type, text) => {
    const call = () => collate(encodings, { padTokenId: 0, ...options })
    expect(call).toThrow(type)
    expect(call).toThrow(text)
  })
})

it('classLabels', () => {
  expect(classLabels([0, 2, -100], 3)).toEqual({
    dtype: 'int32',
    shape: [3],
    data: Int32Array.of(0, 2, -100),
  })
  expect(() => classLabels([0, 3], 3)).toThrow(
    "classLabels: 'labels[1]' must be a class index from 0 to 2, but got 3. Turn label names into indices with encodeLabels first.",
  )
  expect(() => classLabels([0.5], 3)).toThrow(ArgumentError)
})

it('regressionTargets', () => {
  expect(regressionTargets([0.5, -2])).toEqual({
    dtype: 'float32',
    shape: [2],
    data: Float32Array.of(0.5, -2),
  })
  expect(() => regressionTargets([1, NaN])).toThrow(
    "regressionTargets: 'targets[1]' must be a finite number, but got NaN. Leave out examples without a target.",
  )
})
