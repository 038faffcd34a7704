import { refusal } from '@tfx/testing'
import { expect, it } from 'vitest'
import { scratchBase, transfer, type TransferOptions } from '../src/index'
import { quick, toyPairs } from './support'

const pairs = toyPairs(300)
const held = toyPairs(12, 2)
const sizes = { vocabSize: 340, hiddenSize: 32, numLayers: 1, numHeads: 2, dropout: 0 }
const settings = {
  ...quick,
  epochs: 12,
  validation: held,
  evaluateWriting: true,
  bestMetric: 'bleu',
} as const

/** Trains, and gives the model with what each evaluation said. */
async function evaluated(options: object) {
  const evaluations: Record<string, number>[] = []
  const onEvent: TransferOptions['onEvent'] = (event) => {
    if (event.type === 'evaluate') evaluations.push({ ...event.metrics })
  }
  const base = await scratchBase(pairs, {
    ...sizes,
    ...('languages' in options && { languages: ['en', 'de'] }),
  })
  const { languages: _, ...own } = { languages: undefined, ...options }
  return { model: await transfer(base, pairs, { ...settings, ...own, onEvent }), evaluations }
}

it(
  'measures what is written as training goes, and ends with the best by it',
  { timeout: 120_000 },
  async () => {
    const { model, evaluations } = await evaluated({})
    expect(evaluations).toHaveLength(12)
    const bleu = evaluations.map((metrics) => metrics.bleu!)
    expect(bleu[0]).toBeLessThan(60)
    expect(Math.max(...bleu)).toBeGreaterThan(bleu[0]!)
    for (const metrics of evaluations)
      expect(Object.keys(metrics)).toEqual(['loss', 'perplexity', 'bleu', 'chrf', 'ter'])
    // The weights are those of the evaluation with the highest BLEU, and evaluate says the same of them.
    const { bleu: now, chrf } = await model.evaluate(held)
    expect(now).toBeCloseTo(Math.max(...bleu), 6)
    expect(chrf).toBeCloseTo(evaluations[bleu.indexOf(Math.max(...bleu))]!.chrf!, 6)
    expect(model.settings).toContainEqual({ name: 'bestMetric', value: 'bleu', origin: 'option' })
    await model.dispose()
  },
)

it('measures so many examples, and each direction by itself', { timeout: 120_000 }, async () => {
  const { model, evaluations } = await evaluated({
    languages: true,
    epochs: 1,
    source: 'en',
    target: 'de',
    bothDirections: true,
    evaluateWriting: 6,
    bestMetric: { metric: 'loss', mode: 'min' },
  })
  expect(Object.keys(evaluations[0]!)).toEqual(expect.arrayContaining(['bleu en-de', 'chrf de-en']))
  await model.dispose()
})

it('refuses a metric that there is not before it trains', async () => {
  const unknown = await refusal(evaluated({ bestMetric: 'rouge1' }).then(({ model }) => model))
  expect(unknown.message).toContain("'bestMetric' must be one of loss, perplexity, bleu, chrf, ter")
  const unwritten = await refusal(evaluated({ evaluateWriting: false }))
  expect(unwritten.message).toContain('{ evaluateWriting: true }')
  expect((await refusal(evaluated({ evaluateWriting: 0 }))).message).toContain(
    'how many examples to write for',
  )
  const mode = { bestMetric: { metric: 'bleu', mode: 'highest' } }
  expect((await refusal(evaluated(mode))).message).toContain("mode: 'min' or 'max'")
})
