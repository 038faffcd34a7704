/**
 * An expression over symbolic axes: `scale.numerator / scale.denominator × Π axis^power + offset`, or the sum or
 * difference of two products. Enough for what shapes are made of: `batch × sequence`, `512 − sequence`, `sequence × 2 + 1`, and the
 * rows of an embedding that is looked up twice, `batch × source + batch × target`.
 */
export interface SymbolicSize {
  readonly numerator: number
  readonly denominator: number
  /** Axis name → power; at least one. */
  readonly powers: Readonly<Record<string, number>>
  readonly offset: number
  /** A second product, added or subtracted. */
  readonly addend?: { readonly powers: Readonly<Record<string, number>>; readonly sign: 1 | -1 }
}

/** A number that depends on the axes, such as the `1 / batch` of a mean: `factor × Π axis^power`, powers ±. */
export interface SymbolicScalar {
  readonly factor: number
  readonly powers: Readonly<Record<string, number>>
}

/** The sizes of every symbolic axis in one trace. */
export type AxisSizes = Readonly<Record<string, number>>

const sizePowers = [1, 2]
const scalarPowers = [-1, 1, -2, 2]
const maximumDegree = 3
const maximumDenominator = 64
/** A scalar is the product of several, each rounded to float32 (6e-8) as it was recorded. */
const scalarTolerance = 1e-6

/** Every product of axes, each to one of some powers, up to the degree that occurs in practice, simplest first. */
function monomials(axes: readonly string[], powersOfOne: readonly number[]): Record<string, number>[] {
  let found: Record<string, number>[] = [{}]
  for (const axis of axes) {
    const timesOne = (powers: Record<string, number>) =>
      powersOfOne.map((power) => ({ ...powers, [axis]: power }))
    found = found.flatMap((powers) => [powers, ...timesOne(powers)])
  }
  return found
    .filter((powers) => degree(powers) > 0 && degree(powers) <= maximumDegree)
    .sort((a, b) => degree(a) - degree(b))
}

const degree = (powers: Readonly<Record<string, number>>) =>
  Object.values(powers).reduce((sum, power) => sum + Math.abs(power), 0)

const evaluate = (powers: Readonly<Record<string, number>>, sizes: AxisSizes) =>
  Object.entries(powers).reduce((product, [axis, power]) => product * sizes[axis]! ** power, 1)

/** Finds the expressions behind numbers that differ between traces. */
export interface SymbolSolver {
  /** The size that takes `values[t]` in trace t, or undefined if no expression fits all traces. */
  size(values: readonly number[]): number | SymbolicSize | undefined
  /** The scalar that takes `values[t]` in trace t within float32 rounding. */
  scalar(values: readonly number[]): SymbolicScalar | undefined
}

/**
 * Prepares to solve for the axes of some traces. Two traces determine an expression, every further
 * one verifies it; use at least three.
 *
 * @param traces The sizes of the axes in each trace.
 */
export function symbolSolver(traces: readonly AxisSizes[]): SymbolSolver {
  const valuesOf = (powersOfOne: readonly number[]) =>
    monomials(Object.keys(traces[0] ?? {}), powersOfOne).map((powers) => ({
      powers,
      values: traces.map((sizes) => evaluate(powers, sizes)),
    }))
  const products = valuesOf(sizePowers)
  const quotients = valuesOf(scalarPowers)
  const memory = new Map<string, number | SymbolicSize | undefined>()

  const solveSize = (values: readonly number[]): number | SymbolicSize | undefined => {
    const first = values[0]!
    if (values.every((value) => value === first)) return first
    const fits = products.flatMap(({ powers, values: inputs }) => {
      const fit = fitLine(inputs, values)
      return fit === undefined ? [] : [{ powers, ...fit }]
    })
    // A pure product beats one with an offset; products come simplest first.
    return fits.find((fit) => fit.offset === 0) ?? fits[0] ?? sumOfProducts(products, values)
  }

  return {
    size(values) {
      const key = values.join()
      if (!memory.has(key)) memory.set(key, solveSize(values))
      return memory.get(key)
    },
    scalar(values) {
      for (const { powers, values: inputs } of quotients) {
        const factors = values.map((value, trace) => value / inputs[trace]!)
        const factor = factors[0]!
        const isSame = (other: number) => Math.abs(other - factor) <= scalarTolerance * Math.abs(factor)
        if (factors.every(isSame)) return { factor: nearInteger(factor), powers }
      }
      return undefined
    },
  }
}

/** The two products whose sum or difference takes the values, if there are such. */
function sumOfProducts(
  products: readonly { powers: Record<string, number>; values: readonly number[] }[],
  values: readonly number[],
): SymbolicSize | undefined {
  for (const first of products) {
    for (const { powers, values: others } of products) {
      for (const sign of [1, -1] as const) {
        if (values.every((value, trace) => value === first.values[trace]! + sign * others[trace]!))
          return { numerator: 1, denominator: 1, powers: first.powers, offset: 0, addend: { powers, sign } }
      }
    }
  }
  return undefined
}

/** float32 rounding leaves 0.99999994 where 1 was meant. */
function nearInteger(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(rounded - value) < 1e-6 * Math.abs(value) ? rounded : value
}

/** The line through all points with a rational slope and an integer offset, if there is one. */
function fitLine(
  products: readonly number[],
  values: readonly number[],
): Omit<SymbolicSize, 'powers'> | undefined {
  const other = products.findIndex((product) => product !== products[0])
  if (other < 0) return undefined
  const [x, y] = [products[0]!, values[0]!]
  const rise = values[other]! - y
  const run = products[other]! - x
  if (rise === 0) return undefined
  const divisor = greatestCommonDivisor(Math.abs(rise), Math.abs(run))
  const denominator = Math.abs(run) / divisor
  const numerator = (rise / divisor) * Math.sign(run)
  if (denominator > maximumDenominator) return undefined
  const offset = y - (numerator * x) / denominator
  const fits = values.every((value, trace) => (numerator * products[trace]!) / denominator + offset === value)
  return fits && Number.isInteger(offset) ? { numerator, denominator, offset } : undefined
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** The value of a size at some sizes of the axes. */
export function evaluateSize(size: number | SymbolicSize, sizes: AxisSizes): number {
  if (typeof size === 'number') return size
  const addend = size.addend ? size.addend.sign * evaluate(size.addend.powers, sizes) : 0
  return (size.numerator * evaluate(size.powers, sizes)) / size.denominator + size.offset + addend
}

/** For people: `512 - sequence`. */
export function describeSize(size: number | SymbolicSize): string {
  if (typeof size === 'number') return String(size)
  const factors = (powers: Readonly<Record<string, number>>) =>
    Object.entries(powers).map(([axis, power]) => (power === 1 ? axis : `${axis}^${power}`))
  const product = factors(size.powers)
  if (size.addend) {
    const sign = size.addend.sign > 0 ? '+' : '-'
    return `${product.join('*')}${sign}${factors(size.addend.powers).join('*')}`
  }
  const scale = size.denominator === 1 ? [`${size.numerator}`] : [`${size.numerator}/${size.denominator}`]
  const terms = size.numerator === 1 && size.denominator === 1 ? product : [...scale, ...product]
  return terms.join('*') + (size.offset === 0 ? '' : size.offset > 0 ? `+${size.offset}` : `${size.offset}`)
}
