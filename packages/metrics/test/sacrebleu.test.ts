import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bleu, chrf, sentenceBleu, ter, type References } from '../src/index'

type Segment = [hypothesis: string, references: string[]]

interface Case {
  metric: 'bleu' | 'chrf' | 'ter'
  options: object
  first: number
  firstSignature: string
  all: number
  allSignature: string
  sentences: number[]
}

const fixture = new URL('../../../fixtures/metrics/bleu_chrf_ter.json', import.meta.url)
const { segments, metrics, longSegments, longMetrics } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  segments: Segment[]
  metrics: Case[]
  longSegments: Segment[]
  longMetrics: Case[]
}

const scorers: Record<
  Case['metric'],
  (references: References[], hypotheses: string[], options: object) => { score: number; signature: string }
> = { bleu, chrf, ter }

const named = (cases: Case[], texts: Segment[]) =>
  cases.map((each) => ({ ...each, texts, name: `${each.metric} ${JSON.stringify(each.options)}` }))

describe.each([...named(metrics, segments), ...named(longMetrics, longSegments)])(
  'sacreBLEU: $name of $texts.length texts',
  ({ metric, options, texts, ...expected }) => {
    const score = scorers[metric]
    const hypotheses = texts.map(([hypothesis]) => hypothesis)

    it('corpus with one reference', () => {
      const actual = score(
        texts.map(([, [reference]]) => reference!),
        hypotheses,
        options,
      )
      expect(actual.signature).toBe(expected.firstSignature)
      expect(Math.abs(actual.score - expected.first)).toBeLessThan(1e-9)
    })

    it('corpus with several references', () => {
      const actual = score(
        texts.map(([, references]) => references),
        hypotheses,
        options,
      )
      expect(actual.signature).toBe(expected.allSignature)
      expect(Math.abs(actual.score - expected.all)).toBeLessThan(1e-9)
    })

    it('every text alone', () => {
      texts.forEach(([hypothesis, references], index) => {
        const actual = score([references], [hypothesis], options).score
        const difference = Math.abs(actual - expected.sentences[index]!)
        expect(difference, JSON.stringify([index, hypothesis, references])).toBeLessThan(1e-5)
      })
    })
  },
)

it('sentence BLEU leaves out orders that the text is too short for', () => {
  const { sentences } = metrics.find(
    ({ metric, options }) => metric === 'bleu' && 'effectiveOrder' in options,
  )!
  segments.forEach(([hypothesis, references], index) => {
    const { score } = sentenceBleu(references, hypothesis)
    expect(Math.abs(score - sentences[index]!)).toBeLessThan(1e-5)
  })
  expect(sentenceBleu('a b', 'a b').score).toBeCloseTo(100, 9)
  expect(sentenceBleu('a b', 'a b', { effectiveOrder: false }).score).toBe(0)
})
