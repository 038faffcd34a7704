import { createRandom } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maskedBatches } from '../src/pretrain/masked-batches'
import { maskWords, type MaskingVocabulary } from '../src/pretrain/masking'

const vocabulary: MaskingVocabulary = {
  vocabSize: 1000,
  maskTokenId: 4,
  specialTokenIds: new Set([0, 1, 2, 3, 4]),
  continuationIds: new Set(Array.from({ length: 300 }, (_, index) => 700 + index)),
}

/** Ids of a text between [CLS] and [SEP]: words of one to five tokens. */
const word = fc
  .tuple(fc.integer({ min: 5, max: 699 }), fc.array(fc.integer({ min: 700, max: 999 }), { maxLength: 4 }))
  .map(([first, rest]) => [first, ...rest])
const text = fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => [2, ...words.flat(), 3])
const seed = fc.integer({ min: 0, max: 2 ** 31 })

describe('maskWords', () => {
  it('asks for what was there, and changes nothing else', () => {
    fc.assert(
      fc.property(text, seed, (ids, seed) => {
        const { inputIds, positions, labels } = maskWords(ids, vocabulary, {
          rate: 0.15,
          random: createRandom(seed),
        })
        expect(labels).toEqual(positions.map((position) => ids[position]))
        expect([...positions]).toEqual([...new Set(positions)].sort((a, b) => a - b))
        const untouched = ids.map((id, place) => (positions.includes(place) ? inputIds[place] : id))
        expect(Array.from(inputIds)).toEqual(untouched)
      }),
    )
  })

  it('never asks for special tokens, and always for something', () => {
    fc.assert(
      fc.property(text, seed, (ids, seed) => {
        const { positions } = maskWords(ids, vocabulary, { rate: 0.15, random: createRandom(seed) })
        expect(positions.length).toBeGreaterThan(0)
        for (const position of positions) expect(vocabulary.specialTokenIds.has(ids[position]!)).toBe(false)
      }),
    )
    const random = createRandom(1)
    expect(maskWords([2, 3], vocabulary, { rate: 0.15, random })).toMatchObject({ positions: [], labels: [] })
  })

  it('hides whole words', () => {
    fc.assert(
      fc.property(text, seed, (ids, seed) => {
        const { positions } = maskWords(ids, vocabulary, { rate: 0.3, random: createRandom(seed) })
        const chosen = new Set(positions)
        ids.forEach((id, place) => {
          if (vocabulary.continuationIds.has(id)) expect(chosen.has(place)).toBe(chosen.has(place - 1))
        })
      }),
    )
  })

  it('hides the share that it is told, and at most a word more', () => {
    fc.assert(
      fc.property(text, seed, fc.double({ min: 0.01, max: 1, noNaN: true }), (ids, seed, rate) => {
        const { positions } = maskWords(ids, vocabulary, { rate, random: createRandom(seed) })
        const wanted = (ids.length - 2) * rate
        expect(positions.length).toBeGreaterThanOrEqual(wanted - 1e-9)
        expect(positions.length).toBeLessThan(wanted + 5)
      }),
    )
  })

  it('shows [MASK] for 80 % of them, a random token for 10 %, and the token itself for 10 %', () => {
    const random = createRandom(3)
    const counts = { mask: 0, same: 0, random: 0 }
    for (let run = 0; run < 2000; run++) {
      const ids = Array.from({ length: 20 }, () => 5 + random.integer(690))
      const { inputIds, positions } = maskWords(ids, vocabulary, { rate: 0.5, random })
      for (const position of positions) {
        const shown = inputIds[position]
        counts[shown === 4 ? 'mask' : shown === ids[position] ? 'same' : 'random']++
      }
    }
    // 20,000 draws: the deviation is 0.3 %.
    expect(counts.mask / 20_000).toBeCloseTo(0.8, 1.7)
    expect(counts.random / 20_000).toBeCloseTo(0.1, 1.7)
    expect(counts.same / 20_000).toBeCloseTo(0.1, 1.7)
  })
})

describe('maskedBatches', () => {
  const encodings = Array.from({ length: 10 }, (_, row) =>
    Int32Array.from([2, ...Array.from({ length: 3 + row }, (_, place) => 5 + 20 * row + place), 3]),
  )
  const options = { encodings, vocabulary, padTokenId: 0, maskRate: 0.15, batchSize: 4, seed: 1 }

  it('points into the padded batch at what was hidden', () => {
    for (const { inputs, weight, examples } of maskedBatches(options, 1)) {
      const { inputIds, maskedPositions, labels } = inputs
      const sequence = inputIds!.shape[1]!
      expect(weight).toBe(labels!.data.length)
      Array.from(maskedPositions!.data, Number).forEach((position, index) => {
        const [row, place] = [Math.floor(position / sequence), position % sequence]
        expect(row).toBeLessThan(examples)
        // Every id tells where it stands in which text.
        expect((Number(labels!.data[index]) - 5) % 20).toBe(place - 1)
      })
    }
  })

  it('is a function of seed and epoch, and hides other words in every epoch', () => {
    const run = (epoch: number, seed = 1) => [...maskedBatches({ ...options, seed }, epoch)]
    expect(run(1)).toEqual(run(1))
    expect(run(2)).not.toEqual(run(1))
    expect(run(1, 2)).not.toEqual(run(1))
  })

  it('gives each text the row of its teacher', () => {
    const embeddings = Float32Array.from({ length: 20 }, (_, index) => Math.floor(index / 2))
    for (const { inputs, examples } of maskedBatches({ ...options, targets: { size: 2, embeddings } }, 1)) {
      expect(inputs.targets!.shape).toEqual([examples, 2])
      // The text of row r has r + 5 tokens.
      const [rows, sequence] = inputs.attentionMask!.shape as [number, number]
      for (let row = 0; row < rows; row++) {
        const mask = Array.from(
          inputs.attentionMask!.data.slice(row * sequence, (row + 1) * sequence),
          Number,
        )
        const length = mask.reduce((sum, value) => sum + value, 0)
        expect(inputs.targets!.data[row * 2]).toBe(length - 5)
      }
    }
  })
})
