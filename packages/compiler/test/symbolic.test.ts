import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sizeTables } from '../src/size-tables'
import { type AxisSizes, describeSize, evaluateSize, symbolSolver } from '../src/symbolic'

const axes = ['batch', 'sequence', 'past', 'labels']

/** The traces of one table, for its first axes. */
function tracesOf(table: (typeof sizeTables)[number], count: number): AxisSizes[] {
  return [0, 1, 2].map((trace) =>
    Object.fromEntries(axes.slice(0, count).map((axis, index) => [axis, table[index]![trace]!])),
  )
}

const settings = sizeTables.flatMap((table, index) => [1, 2, 3, 4].map((count) => ({ index, count, table })))

const expressions: Record<string, (sizes: AxisSizes) => number> = {
  batch: ({ batch }) => batch!,
  'batch*sequence': ({ batch, sequence }) => batch! * sequence!,
  '-1*sequence+512': ({ sequence }) => 512 - sequence!,
  '2*sequence+1': ({ sequence }) => 2 * sequence! + 1,
  'sequence-2': ({ sequence }) => sequence! - 2,
  '12*batch*sequence': ({ batch, sequence }) => 12 * batch! * sequence!,
  'sequence^2': ({ sequence }) => sequence! ** 2,
  'batch*sequence^2': ({ batch, sequence }) => batch! * sequence! ** 2,
  '768': () => 768,
}

test.each(Object.entries(expressions))('solves %s', (description, evaluate) => {
  for (const { table } of settings.filter(({ count }) => count === 2)) {
    const traces = tracesOf(table, 2)
    const size = symbolSolver(traces).size(traces.map(evaluate))
    expect(describeSize(size ?? NaN)).toBe(description)
    expect(evaluateSize(size ?? NaN, { batch: 1, sequence: 128 })).toBe(evaluate({ batch: 1, sequence: 128 }))
  }
})

test.each(settings)('no product of $count axes is mistaken for another, sizes $index', ({ table, count }) => {
  const traces = tracesOf(table, count)
  const solver = symbolSolver(traces)
  const names = axes.slice(0, count)
  const product: fc.Arbitrary<string[]> = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  const isWithinPower = (factors: string[]) =>
    names.every((name) => factors.filter((factor) => factor === name).length <= 2)
  const expression = fc.record({
    factors: product.filter(isWithinPower),
    scale: fc.constantFrom(1, 2, 3, 12, 64),
    offset: fc.constantFrom(0, 0, 1, -1, 2, 512),
  })
  const other = Object.fromEntries(names.map((name, index) => [name, 20 + index * 7]))
  const property = fc.property(expression, ({ factors, scale, offset }) => {
    const evaluate = (sizes: AxisSizes) =>
      factors.reduce((result: number, name) => result * sizes[name]!, scale) + offset
    const size = solver.size(traces.map(evaluate))
    expect(evaluateSize(size ?? NaN, other)).toBe(evaluate(other))
  })
  fc.assert(property, { seed: 7, numRuns: 200 })
})

test.each(settings)(
  'no quotient of $count axes is mistaken for another, sizes $index',
  ({ table, count }) => {
    const traces = tracesOf(table, count)
    const solver = symbolSolver(traces)
    const names = axes.slice(0, count)
    const power = fc.array(fc.constantFrom(-1, 0, 1), { minLength: count, maxLength: count })
    const isQuotient = (powers: number[]) =>
      powers.some((power) => power !== 0) && powers.filter(Boolean).length <= 3
    const property = fc.property(
      power.filter(isQuotient),
      fc.constantFrom(1, 0.1, 3, 1 / 7),
      (powers, factor) => {
        const evaluate = (sizes: AxisSizes) =>
          names.reduce((result, name, index) => Math.fround(result * sizes[name]! ** powers[index]!), factor)
        const expected = names.flatMap((name, index) => (powers[index] === 0 ? [] : [[name, powers[index]]]))
        expect(solver.scalar(traces.map(evaluate))?.powers).toEqual(Object.fromEntries(expected))
      },
    )
    fc.assert(property, { seed: 8, numRuns: 60 })
  },
)

test('a sum of two products is found, one of three is not mistaken for one', () => {
  for (const { table, count } of settings.filter(({ count }) => count >= 2)) {
    const traces = tracesOf(table, count)
    const names = axes.slice(0, count)
    for (const a of names) {
      for (const b of names.filter((name) => name !== a)) {
        const sums = traces.map((sizes) => sizes[a]! + sizes[b]!)
        const size = symbolSolver(traces).size(sums)!
        const elsewhere = Object.fromEntries(names.map((name, index) => [name, 101 + 7 * index]))
        expect(evaluateSize(size, elsewhere), `${a} + ${b}`).toBe(elsewhere[a]! + elsewhere[b]!)
        const difference = symbolSolver(traces).size(
          traces.map((sizes) => sizes[a]! * sizes[b]! - sizes[b]!),
        )!
        expect(evaluateSize(difference, elsewhere)).toBe(elsewhere[a]! * elsewhere[b]! - elsewhere[b]!)
        const three = traces.map((sizes) => sizes[a]! + sizes[b]! + sizes[a]! * sizes[b]!)
        expect(symbolSolver(traces).size(three), `${a} + ${b} + ${a} · ${b}`).toBeUndefined()
      }
    }
  }
})

test('a third trace catches what two traces allow', () => {
  // 5 and 7: sequence − 2 at (7, 9), or batch at (5, 7)?
  const two = [
    { batch: 5, sequence: 7 },
    { batch: 7, sequence: 9 },
  ]
  expect(describeSize(symbolSolver(two).size([5, 7]) ?? NaN)).toBe('batch')
  const three = [...two, { batch: 3, sequence: 11 }]
  expect(describeSize(symbolSolver(three).size([5, 7, 9]) ?? NaN)).toBe('sequence-2')
  expect(symbolSolver(three).size([5, 7, 8])).toBeUndefined()
})

test('scalars are factors times powers of axes, within float32 rounding', () => {
  const traces = tracesOf(sizeTables[0]!, 2)
  const solver = symbolSolver(traces)
  const at = (evaluate: (batch: number, sequence: number) => number) =>
    solver.scalar(traces.map(({ batch, sequence }) => Math.fround(evaluate(batch!, sequence!))))
  expect(at((batch) => 1 / batch)).toEqual({ factor: 1, powers: { batch: -1 } })
  expect(at((batch, sequence) => 2 / (batch * sequence))).toEqual({
    factor: 2,
    powers: { batch: -1, sequence: -1 },
  })
  expect(at((_, sequence) => 0.5 * sequence)).toEqual({ factor: 0.5, powers: { sequence: 1 } })
  expect(at((batch, sequence) => (3 * sequence) / batch)).toEqual({
    factor: 3,
    powers: { batch: -1, sequence: 1 },
  })
  expect(at((batch, sequence) => Math.sin(batch * sequence))).toBeUndefined()
})

test('describes sizes for people', () => {
  const size = { numerator: 1, denominator: 2, powers: { batch: 1, sequence: 2 }, offset: -3 }
  expect(describeSize(size)).toBe('1/2*batch*sequence^2-3')
  expect(describeSize(4)).toBe('4')
})
