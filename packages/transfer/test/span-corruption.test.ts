import { createRandom } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { corruptionBudget, corruptSpans } from '../src/pretrain/span-corruption'

const sentinels = Array.from({ length: 100 }, (_, index) => 8191 - index)
const end = 1
const text = fc.array(fc.integer({ min: 3, max: 8000 }), { minLength: 2, maxLength: 200 })
const seed = fc.integer({ min: 0, max: 2 ** 31 })
const rate = fc.double({ min: 0.05, max: 0.5, noNaN: true })
const meanSpanLength = fc.double({ min: 1, max: 8, noNaN: true })
const corrupted = fc
  .record({ text, seed, rate, meanSpanLength })
  .map(({ text, seed, rate, meanSpanLength }) => ({
    text,
    budget: corruptionBudget(text.length, { rate, meanSpanLength }),
    ...corruptSpans(text, { rate, meanSpanLength, sentinels, end, random: createRandom(seed) }),
  }))

const isSentinel = (id: number) => id > 8091

/** The tokens behind each sentinel of the targets. */
function spansOf(labels: readonly number[]): number[][] {
  const spans: number[][] = []
  for (const id of labels.slice(0, -1)) {
    if (isSentinel(id)) spans.push([])
    else spans.at(-1)!.push(id)
  }
  return spans
}

describe('corruptSpans', () => {
  it('hides what its budget says, in as many spans', () => {
    fc.assert(
      fc.property(corrupted, ({ text, budget, inputIds, labels }) => {
        const spans = spansOf(labels)
        expect(spans).toHaveLength(budget.spans)
        expect(spans.flat()).toHaveLength(budget.tokens)
        expect(inputIds).toHaveLength(text.length - budget.tokens + budget.spans + 1)
        expect(Math.min(...spans.map(({ length }) => length))).toBeGreaterThan(0)
      }),
    )
  })

  it('has the same sentinels in order on both sides, and closes both', () => {
    fc.assert(
      fc.property(corrupted, ({ budget, inputIds, labels }) => {
        const expected = sentinels.slice(0, budget.spans)
        expect(inputIds.filter(isSentinel)).toEqual(expected)
        expect(labels.filter(isSentinel)).toEqual(expected)
        expect([inputIds.at(-1), labels.at(-1)]).toEqual([end, end])
      }),
    )
  })

  it('shows a token between two hidden spans, and begins with one: the text is whole when the spans are put back', () => {
    fc.assert(
      fc.property(corrupted, ({ text, inputIds, labels }) => {
        const spans = spansOf(labels)
        const restored = inputIds.slice(0, -1).flatMap((id) => (isSentinel(id) ? spans.shift()! : [id]))
        expect(restored).toEqual(text)
        expect(isSentinel(inputIds[0]!)).toBe(false)
        inputIds.forEach((id, place) => {
          if (isSentinel(id)) expect(isSentinel(inputIds[place - 1]!)).toBe(false)
        })
      }),
    )
  })

  it('cuts at every place alike', () => {
    const random = createRandom(4)
    const hidden = new Array<number>(20).fill(0)
    const runs = 4000
    for (let run = 0; run < runs; run++) {
      const ids = Array.from({ length: 20 }, (_, index) => 100 + index)
      const { labels } = corruptSpans(ids, { rate: 0.3, meanSpanLength: 3, sentinels, end, random })
      for (const id of spansOf(labels).flat()) hidden[id - 100]!++
    }
    // Six tokens in two spans: the last is always hidden, the first never; 14 shown ones are cut at one of 13 places.
    expect(hidden[0]).toBe(0)
    expect(hidden[19]).toBe(runs)
    // Token 1 is hidden if the first part shown is 1 token: in one of 13 cuts. The deviation is 0.4 %.
    expect(hidden[1]! / runs).toBeCloseTo(1 / 13, 1.7)
    // The last but one is hidden unless the last span is 1 token: in four of five cuts.
    expect(hidden[18]! / runs).toBeCloseTo(4 / 5, 1.4)
  })
})

describe('corruptionBudget', () => {
  // What transformers' `random_spans_noise_mask` computes, at 15 % and 3 tokens a span.
  it.each([
    [512, { tokens: 77, spans: 26 }],
    [128, { tokens: 19, spans: 6 }],
    [20, { tokens: 3, spans: 1 }],
    [2, { tokens: 1, spans: 1 }],
  ])('of %i tokens', (length, expected) => {
    expect(corruptionBudget(length, { rate: 0.15, meanSpanLength: 3 })).toEqual(expected)
  })

  it('always leaves something to see', () => {
    expect(corruptionBudget(3, { rate: 1, meanSpanLength: 1 })).toEqual({ tokens: 2, spans: 1 })
    expect(corruptionBudget(10, { rate: 0.8, meanSpanLength: 1 })).toEqual({ tokens: 8, spans: 2 })
  })
})
