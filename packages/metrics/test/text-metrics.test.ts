import { ArgumentError, DataError } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bleu,
  chrf,
  createBleu,
  createChrf,
  createRouge,
  createTer,
  createTokenLoss,
  meanTokenLoss,
  perplexity,
  rouge,
  ter,
  type BleuTokenizer,
  type RougeTokenizer,
} from '../src/index'

const metrics = [
  { name: 'bleu', create: createBleu, score: bleu },
  { name: 'chrf', create: createChrf, score: chrf },
  { name: 'ter', create: createTer, score: ter },
  { name: 'rouge', create: createRouge, score: rouge },
]

const sentence = fc.array(fc.constantFrom('a', 'b', 'c', 'D', '.', '日本', '\n'), { maxLength: 8 })
const texts = fc.array(
  fc.record({
    hypothesis: sentence.map((words) => words.join(' ')),
    references: fc.array(
      sentence.map((words) => words.join(' ')),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  { minLength: 1, maxLength: 8 },
)

describe.each(metrics)('$name', ({ name, create, score }) => {
  it('is the same whether texts come at once or one by one', () => {
    fc.assert(
      fc.property(texts, (examples) => {
        const metric = create()
        for (const { references, hypothesis } of examples) metric.add([references], [hypothesis])
        const whole = score(
          examples.map(({ references }) => references),
          examples.map(({ hypothesis }) => hypothesis),
        )
        expect(metric.score()).toEqual(whole)
        expect(metric.total).toBe(examples.length)
      }),
      { numRuns: 30 },
    )
  })

  it('refuses missing references and texts, and adds nothing then', () => {
    const metric = create()
    const add = (references: unknown, hypotheses: unknown) => {
      metric.add(references as string[], hypotheses as string[])
    }
    expect(() => add(undefined, ['a'])).toThrow(ArgumentError)
    expect(() => add(undefined, ['a'])).toThrow(
      `${name}: 'references' must be a list of texts, but got nothing. Pass one entry for each text`,
    )
    expect(() => add(['a'], 'a')).toThrow("'hypotheses' must be a list of texts, but got a string")
    expect(() => add(['a', 'b'], ['a'])).toThrow(
      `${name}: 'references' must be as many as the 1 hypotheses, but got 2. Pass one reference for each`,
    )
    expect(() => add(['a', []], ['a', 'b'])).toThrow(
      "'references[1]' must be at least one text, but got an empty list",
    )
    expect(() => add(['a', ['b', null]], ['a', 'b'])).toThrow(
      "'references[1][1]' must be a text, but got nothing",
    )
    expect(() => add(['a', 7], ['a', 'b'])).toThrow("'references[1]' must be a text, but got a number")
    expect(() => add(['a', 'b'], ['a', undefined])).toThrow("'hypotheses[1]' must be a text, but got nothing")
    expect(metric.total).toBe(0)
  })

  it('has no score without texts', () => {
    expect(() => create().score()).toThrow(DataError)
    expect(() => score([], [])).toThrow(`${name}: 'hypotheses' must be at least one text, but got none`)
  })
})

describe('options', () => {
  it('names what it does not know', () => {
    expect(() => createBleu({ tokenizer: 'moses' as BleuTokenizer })).toThrow(
      "bleu: 'tokenizer' must be '13a', 'intl', 'char', 'zh', 'none', but got 'moses'",
    )
    expect(() => createBleu({ smoothing: 'toString' as 'exp' })).toThrow(ArgumentError)
    expect(() => createBleu({ smoothing: 'floor', smoothingValue: NaN })).toThrow(
      "bleu: 'smoothingValue' must be a number of at least 0, but got NaN.",
    )
    expect(() => createRouge({ tokenizer: 'moses' as RougeTokenizer })).toThrow(
      "rouge: 'tokenizer' must be 'latin', 'unicode' or a function, but got 'moses'",
    )
    expect(() => createChrf({ characterOrder: 0 })).toThrow(
      "chrf: 'characterOrder' must be an integer of at least 1, but got 0",
    )
    expect(() => createChrf({ wordOrder: 0.5 })).toThrow(ArgumentError)
    expect(() => createChrf({ beta: 0 })).toThrow(ArgumentError)
  })
})

it('scores say what they are made of', () => {
  expect(bleu(['a b c d e f'], ['a b c d'])).toMatchObject({
    precisions: [100, 100, 100, 100],
    brevityPenalty: Math.exp(-0.5),
    hypothesisLength: 4,
    referenceLength: 6,
  })
  expect(ter([['a b c', 'a b c d e']], ['c a b'])).toMatchObject({ edits: 1, referenceLength: 4, score: 25 })
  expect(chrf(['a'], ['a'], { wordOrder: 2 }).name).toBe('chrF2++')
})

describe('perplexity', () => {
  it('weights the means of batches by their tokens', () => {
    const losses = createTokenLoss()
    losses.add(2, 30)
    losses.add(4, 10)
    losses.add(9, 0)
    expect(losses.tokens).toBe(40)
    expect(losses.sum).toBe(100)
    expect(meanTokenLoss(losses)).toBe(2.5)
    expect(perplexity(losses)).toBe(Math.exp(2.5))
  })

  it('of one that guesses is the number of tokens', () => {
    const losses = createTokenLoss()
    losses.add(Math.log(50), 7)
    expect(perplexity(losses)).toBeCloseTo(50, 9)
  })

  it('refuses what is no mean of a count', () => {
    const losses = createTokenLoss()
    expect(() => losses.add(NaN, 3)).toThrow("add: 'meanLoss' must be a finite number, but got NaN")
    expect(() => losses.add(1, 0.5)).toThrow("add: 'tokens' must be an integer of at least 0, but got 0.5")
    expect(() => losses.add(1, -1)).toThrow(ArgumentError)
    expect(() => perplexity(losses)).toThrow(DataError)
  })
})
