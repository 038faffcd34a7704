import { ArgumentError, DataError } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batches, restoreOrder, shuffledBatches, type Batches } from '../src/index'

const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 300 })
const options = fc.record({
  batchSize: fc.integer({ min: 1, max: 20 }),
  bucketSize: fc.integer({ min: 1, max: 60 }),
  seed: fc.integer(),
  epoch: fc.nat(10),
  longestFirst: fc.boolean(),
})
const lengthOf = (length: number) => length
const ascending = (values: readonly number[]) => [...values].sort((left, right) => left - right)
const indicesOf = (examples: readonly unknown[]) => [...examples.keys()]
const padding = (batches: Batches, lengths: readonly number[]) =>
  batches
    .map((batch) => batch.map((index) => lengths[index]!))
    .reduce((total, batch) => total + batch.reduce((sum, length) => sum + Math.max(...batch) - length, 0), 0)

describe('batches', () => {
  it('has each index exactly once, all batches full but one, the same for the same seed and epoch', () => {
    fc.assert(
      fc.property(lengths, options, (lengths, options) => {
        const order = batches(lengths, { ...options, lengthOf })
        expect(ascending(order.flat())).toEqual(indicesOf(lengths))
        expect(order.filter(({ length }) => length !== options.batchSize).length).toBeLessThanOrEqual(1)
        expect(batches(lengths, { ...options, lengthOf })).toEqual(order)
        if (options.longestFirst) expect(lengths[order[0]![0]!]).toBe(Math.max(...lengths))
      }),
    )
  })

  it('dropLast leaves only full batches, and only the remainder out', () => {
    fc.assert(
      fc.property(lengths, options, fc.boolean(), (lengths, options, shuffle) => {
        fc.pre(lengths.length >= options.batchSize)
        const order = batches(lengths, { ...options, lengthOf, shuffle, dropLast: true })
        expect(order.every(({ length }) => length === options.batchSize)).toBe(true)
        expect(new Set(order.flat()).size).toBe(lengths.length - (lengths.length % options.batchSize))
      }),
    )
  })

  const many = Array.from({ length: 4000 }, (_, index) => (index * 7919) % 128)

  it('pads far less than random batches', () => {
    const grouped = padding(batches(many, { batchSize: 16, lengthOf }), many)
    expect(grouped).toBeLessThan(0.1 * padding(shuffledBatches(many, { batchSize: 16 }), many))
  })

  it('does not always run from long to short', () => {
    const order = batches(many, { batchSize: 16, lengthOf })
    const longest = order.map(([first]) => many[first!]!)
    const falls = longest.filter((length, index) => index > 0 && length <= longest[index - 1]!).length
    expect(falls / longest.length).toBeGreaterThan(0.35)
    expect(falls / longest.length).toBeLessThan(0.65)
  })

  it('changes with epoch and seed', () => {
    const order = batches(many, { batchSize: 16, lengthOf })
    expect(batches(many, { batchSize: 16, lengthOf, seed: 42, epoch: 0 })).toEqual(order)
    expect(batches(many, { batchSize: 16, lengthOf, epoch: 1 })).not.toEqual(order)
    expect(batches(many, { batchSize: 16, lengthOf, seed: 1 })).not.toEqual(order)
  })

  it('without shuffling goes from long to short, and results return to their places', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 20 }), (lengths, batchSize) => {
        const order = batches(lengths, { batchSize, lengthOf, shuffle: false })
        const ordered = order.flat().map((index) => lengths[index]!)
        expect(ordered).toEqual([...lengths].sort((left, right) => right - left))
        const results = order.map((batch) => batch.map((index) => `result ${index}`))
        expect(restoreOrder(order, results)).toEqual(indicesOf(lengths).map((index) => `result ${index}`))
      }),
    )
  })
})

describe('shuffledBatches', () => {
  it('has each index exactly once, the same for the same seed and epoch', () => {
    fc.assert(
      fc.property(lengths, options, (lengths, options) => {
        const order = shuffledBatches(lengths, options)
        expect(ascending(order.flat())).toEqual(indicesOf(lengths))
        expect(order.slice(0, -1).every(({ length }) => length === options.batchSize)).toBe(true)
        expect(shuffledBatches(lengths, options)).toEqual(order)
      }),
    )
  })

  it('every example is as likely to come first', () => {
    const first = [0, 0, 0, 0, 0]
    for (let epoch = 0; epoch < 5000; epoch++) {
      const index = shuffledBatches(first, { batchSize: 2, epoch })[0]![0]!
      first[index] = first[index]! + 1
    }
    // 1000 expected, standard deviation 28.
    for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(140)
  })

  it('dropLast leaves out other examples each epoch', () => {
    const leftOut = [0, 1, 2, 3].map((epoch) => {
      const used = new Set(shuffledBatches(Array(11).fill(0), { batchSize: 5, epoch, dropLast: true }).flat())
      expect(used.size).toBe(10)
      return indicesOf(Array(11)).find((index) => !used.has(index))
    })
    expect(new Set(leftOut).size).toBeGreaterThan(1)
  })
})

describe('mistakes', () => {
  it.each<[() => unknown, typeof ArgumentError | typeof DataError, string]>([
    [
      () => batches([1], { batchSize: 0, lengthOf }),
      ArgumentError,
      "batches: 'batchSize' must be an integer of at least 1, but got 0. Usual batch sizes are 8 to 64.",
    ],
    [
      () => batches([1], { batchSize: 1, bucketSize: 0.5, lengthOf }),
      ArgumentError,
      "'bucketSize' must be an integer of at least 1, but got 0.5",
    ],
    [
      () => batches([1], { batchSize: 1, lengthOf: () => NaN }),
      ArgumentError,
      "'lengthOf(examples[0])' must be a number, but got NaN",
    ],
    [
      () => batches([], { batchSize: 1, lengthOf }),
      DataError,
      "batches: 'examples' must be at least one example, but got 0. Add examples.",
    ],
    [
      () => shuffledBatches([1], { batchSize: 2, dropLast: true }),
      DataError,
      "shuffledBatches: 'examples' must be at least one batch of 2, but got 1. Use a smaller batch, or leave out dropLast.",
    ],
    [() => restoreOrder([[0]], []), ArgumentError, "restoreOrder: 'results' must be of length 1, but got 0."],
    [() => restoreOrder([[0, 1]], [[5]]), ArgumentError, "'results[0]' must be of length 2, but got 1."],
  ])('%#', (call, type, text) => {
    expect(call).toThrow(type)
    expect(call).toThrow(text)
  })
})
