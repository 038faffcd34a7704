import { ArgumentError, DataError } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shuffle, split, stratifiedSplit, type SplitOptions } from '../src/index'

const numbers = (length: number) => Array.from({ length }, (_, index) => index)
const ascending = (values: readonly number[]) => [...values].sort((left, right) => left - right)

const labels = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 2, maxLength: 200 })
const fraction = fc.double({ min: 0.01, max: 0.99, noNaN: true })

describe('stratifiedSplit', () => {
  it('keeps each class within one of its share, in both parts, and each example once', () => {
    fc.assert(
      fc.property(labels, fraction, fc.integer(), (labels, fraction, seed) => {
        const count = (indices: number[], label: number) =>
          indices.filter((index) => labels[index] === label).length
        fc.pre([0, 1, 2, 3, 4].some((label) => count(numbers(labels.length), label) > 1))
        const by = (index: number) => labels[index]!
        const { train, test } = stratifiedSplit(numbers(labels.length), { fraction, seed, by })
        expect(ascending([...train, ...test])).toEqual(numbers(labels.length))
        expect(train).toEqual(ascending(train))
        expect(test).toEqual(ascending(test))
        const share =
          Math.min(labels.length - 1, Math.max(1, Math.round(labels.length * fraction))) / labels.length
        for (const label of new Set(labels)) {
          const all = count(numbers(labels.length), label)
          expect(Math.abs(count(test, label) - all * share)).toBeLessThanOrEqual(1)
          expect(count(train, label)).toBeGreaterThan(0)
          if (all > 1) expect(count(test, label)).toBeGreaterThan(0)
        }
        expect(stratifiedSplit(numbers(labels.length), { fraction, seed, by })).toEqual({ train, test })
      }),
    )
  })

  it('gives exactly the size that was asked for', () => {
    const examples = numbers(100)
    const { test } = stratifiedSplit(examples, { size: 23, by: (index) => (index < 90 ? 'many' : 'few') })
    expect(test).toHaveLength(23)
    expect(test.filter((index) => index >= 90)).toHaveLength(2)
  })

  it('takes other examples with another seed', () => {
    const part = (seed: number) =>
      stratifiedSplit(numbers(100), { size: 50, seed, by: (index) => index % 2 }).test
    expect(part(1)).not.toEqual(part(2))
  })

  it('refuses what cannot be stratified', () => {
    const by = (index: number) => index % 5
    expect(() => stratifiedSplit(numbers(20), { size: 3, by })).toThrow(DataError)
    expect(() => stratifiedSplit(numbers(20), { size: 3, by })).toThrow(
      "stratifiedSplit: 'size' must be from 5 to 5, to have every class in both parts, but got 3. Change the size, add examples of the rare classes, or use split.",
    )
    expect(() => stratifiedSplit(numbers(20), { size: 3, by: 'label' as never })).toThrow(
      "stratifiedSplit: 'by' must be a function from an example to its class, but got string.",
    )
    expect(() => stratifiedSplit(numbers(5), { fraction: 0.2, by })).toThrow(
      "'by' must be a class that some examples share",
    )
  })
})

describe('split', () => {
  it('takes a random part, each example once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fraction, fc.integer(), (length, fraction, seed) => {
        const { train, test } = split(numbers(length), { fraction, seed })
        expect(ascending([...train, ...test])).toEqual(numbers(length))
        expect(Math.abs(test.length - length * fraction)).toBeLessThanOrEqual(1)
        expect(Math.min(train.length, test.length)).toBeGreaterThan(0)
      }),
    )
    expect(split(numbers(100), { size: 30 }).test).toHaveLength(30)
    expect(split(numbers(100), { size: 30 }).test).not.toEqual(numbers(30))
  })

  it.each<[number, SplitOptions, typeof ArgumentError | typeof DataError, string]>([
    [
      10,
      { fraction: 1 },
      ArgumentError,
      "split: 'fraction' must be between 0 and 1, but got 1. Both parts need at least one example.",
    ],
    [10, { size: 10 }, ArgumentError, "split: 'size' must be an integer from 1 to 9, but got 10."],
    [10, { size: 2.5 }, ArgumentError, 'but got 2.5'],
    [10, {} as SplitOptions, ArgumentError, "'fraction' must be between 0 and 1, but got undefined"],
    [1, { fraction: 0.5 }, DataError, "split: 'examples' must be at least two examples, but got 1."],
  ])('refuses %i, %o', (length, options, type, text) => {
    expect(() => split(numbers(length), options)).toThrow(type)
    expect(() => split(numbers(length), options)).toThrow(text)
  })
})

it('shuffle keeps the elements, and the order depends on the seed alone', () => {
  const examples = numbers(100)
  expect(ascending(shuffle(examples))).toEqual(examples)
  expect(shuffle(examples)).not.toEqual(examples)
  expect(shuffle(examples)).toEqual(shuffle(examples, { seed: 42 }))
  expect(shuffle(examples, { seed: 1 })).not.toEqual(shuffle(examples, { seed: 2 }))
  expect(examples).toEqual(numbers(100))
})
