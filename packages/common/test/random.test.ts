import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom, mixSeed, sizeOf } from '../src/index'

const draw = (seed: number, count: number) => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random.next())
}
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('mixSeed', () => {
  it('gives the numbers that saved runs and fixtures depend on', () => {
    expect([0, 1, 2].map((counter) => mixSeed(1, counter))).toMatchInlineSnapshot(`
      [
        920564995,
        314344336,
        697614773,
      ]
    `)
    expect(mixSeed(-1, 0)).toBe(mixSeed(4294967295, 0))
  })

  it('changes about half of the bits when one bit of its input changes', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(1e9), fc.nat(31), (seed, counter, bit) => {
        const changed = (mixSeed(seed, counter) ^ mixSeed(seed ^ (1 << bit), counter)) >>> 0
        // Of 32 fair coins fewer than 3 or more than 29 fall heads once in eight million times.
        const bits = changed.toString(2).replaceAll('0', '').length
        expect(bits).toBeGreaterThan(2)
        expect(bits).toBeLessThan(30)
      }),
      { seed: 1, numRuns: 1000 },
    )
  })
})

describe('a random generator', () => {
  it('gives the same sequence for a seed, and another for another', () => {
    expect(draw(42, 100)).toEqual(draw(42, 100))
    const sequences = [0, 1, 2, -1, 2 ** 31].map((seed) => draw(seed, 20).join())
    expect(new Set(sequences).size).toBe(5)
  })

  it('is even: mean, variance, tenths, and no correlation with the next draw or the next seed', () => {
    const count = 100_000
    const values = draw(7, count)
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
    // Five standard deviations each.
    const spread = 5 / Math.sqrt(12 * count)
    expect(Math.abs(mean(values) - 0.5)).toBeLessThan(spread)
    expect(Math.abs(mean(values.map((value) => (value - 0.5) ** 2)) - 1 / 12)).toBeLessThan(
      5 / Math.sqrt(180 * count),
    )
    const tenths = Array<number>(10).fill(0)
    for (const value of values) tenths[Math.floor(value * 10)]! += 1
    for (const tenth of tenths) expect(Math.abs(tenth - count / 10)).toBeLessThan(5 * Math.sqrt(count * 0.09))
    const other = draw(8, count)
    for (const partner of [values.slice(1), other]) {
      const correlation = mean(partner.map((value, index) => (value - 0.5) * (values[index]! - 0.5)))
      expect(Math.abs(correlation)).toBeLessThan(5 / 12 / Math.sqrt(count - 1))
    }
  })

  it('draws integers below a limit, all of them', () => {
    const random = createRandom(3)
    const counts = Array<number>(7).fill(0)
    for (let index = 0; index < 7000; index++) counts[random.integer(7)]! += 1
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(1000 * (6 / 7)))
  })

  it('draws from the normal distribution', () => {
    const random = createRandom(5)
    const values = Array.from({ length: 50_000 }, () => random.normal())
    expect(values.every(Number.isFinite)).toBe(true)
    expect(Math.abs(mean(values))).toBeLessThan(5 / Math.sqrt(50_000))
    expect(Math.abs(mean(values.map((value) => value ** 2)) - 1)).toBeLessThan(5 * Math.sqrt(2 / 50_000))
    expect(Math.abs(mean(values.map((value) => (Math.abs(value) < 1 ? 1 : 0))) - 0.6827)).toBeLessThan(0.011)
  })

  it('shuffles: the same elements, every order alike often, the argument untouched', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (values, seed) => {
        const before = [...values]
        const shuffled = createRandom(seed).shuffle(values)
        expect(values).toEqual(before)
        expect([...shuffled].sort((a, b) => a - b)).toEqual([...values].sort((a, b) => a - b))
      }),
    )
    const random = createRandom(9)
    const counts = new Map<string, number>()
    for (let index = 0; index < 6000; index++) {
      const order = random.shuffle(['a', 'b', 'c']).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(6)
    for (const count of counts.values())
      expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(1000 * (5 / 6)))
  })

  it('goes on from a saved state, after any draws', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.constantFrom('next', 'normal', 'shuffle')), (seed, draws) => {
        const random = createRandom(seed)
        for (const kind of draws)
          void (kind === 'shuffle' ? random.shuffle([1, 2, 3]) : random[kind as 'next']())
        const saved: unknown = JSON.parse(JSON.stringify(random.state()))
        const resumed = createRandom(saved as ReturnType<typeof random.state>)
        expect([resumed.next(), resumed.normal()]).toEqual([random.next(), random.normal()])
      }),
    )
  })
})

it('sizeOf multiplies the dimensions', () => {
  expect([[], [3], [2, 3, 4], [5, 0]].map(sizeOf)).toEqual([1, 3, 24, 0])
})
