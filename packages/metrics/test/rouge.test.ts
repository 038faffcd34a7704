import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { rouge, type RougeScore } from '../src/index'
import { stem } from '../src/text/porter-stemmer'

const read = <Content>(name: string) =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/metrics/${name}`, import.meta.url), 'utf8')) as Content

const { segments, scores } = read<{
  segments: [hypothesis: string, references: string[]][]
  scores: { options: { stemming: boolean }; mean: number[]; segments: number[][] }[]
}>('rouge.json')

const numbers = (score: RougeScore) =>
  [score.rouge1, score.rouge2, score.rougeL, score.rougeLsum].flatMap(({ precision, recall, f1 }) => [
    precision,
    recall,
    f1,
  ])

describe.each(scores)('rouge_score: $options', ({ options, ...expected }) => {
  it('mean over texts', () => {
    const actual = numbers(
      rouge(
        segments.map(([, references]) => references),
        segments.map(([hypothesis]) => hypothesis),
        options,
      ),
    )
    actual.forEach((number, place) => expect(number).toBeCloseTo(expected.mean[place]!, 12))
  })

  it('every text alone', () => {
    segments.forEach(([hypothesis, references], index) => {
      const actual = numbers(rouge([references], [hypothesis], options))
      const difference = Math.max(
        ...actual.map((number, place) => Math.abs(number - expected.segments[index]![place]!)),
      )
      expect(difference, JSON.stringify([hypothesis, references])).toBeLessThan(1e-8)
    })
  })
})

describe('rouge', () => {
  it('erases other scripts unless the tokenizer knows them', () => {
    const pair: [string[], string[]] = [['Это хорошая книга'], ['Хорошая КНИГА']]
    expect(rouge(...pair).rouge1.f1).toBe(0)
    expect(rouge(...pair, { tokenizer: 'unicode' }).rouge1).toEqual({ precision: 1, recall: 2 / 3, f1: 0.8 })
  })

  it('counts the characters of scripts without spaces, and composed letters as their parts', () => {
    const unicode = (reference: string, hypothesis: string) =>
      rouge([reference], [hypothesis], { tokenizer: 'unicode' }).rouge1
    expect(unicode('我们今天去学校。', '今天')).toMatchObject({ precision: 1, recall: 2 / 7 })
    expect(unicode('ที่นี่', 'นี่')).toMatchObject({ precision: 1, recall: 1 / 2 })
    expect(unicode('Caf\u00e9', 'CAFE\u0301').f1).toBe(1)
    expect(unicode('\u0e34 ,', '\u0e34').f1).toBe(0)
  })

  it('takes a tokenizer of the caller', () => {
    const score = rouge(['a.b'], ['b.a'], { tokenizer: (text) => text.split('.') })
    expect(score.rouge1.f1).toBe(1)
    expect(score.rouge2.f1).toBe(0)
  })
})

describe('stem', () => {
  const { roots, suffixes, stems } = read<{ roots: string[]; suffixes: string[]; stems: string }>(
    'porter_stemmer.json',
  )
  it("is NLTK's for every root with every suffix", () => {
    const words = roots.flatMap((root) => suffixes.map((suffix) => root + suffix))
    expect(words.map(stem).join(' ')).toBe(stems)
  })
})
