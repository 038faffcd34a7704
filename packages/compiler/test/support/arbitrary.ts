import { createRandom, type DataType, type HostTensor, sizeOf } from '@tfx/common'
import fc from 'fast-check'

/** A shape whose axes may be named: what `traceProgram` takes. */
export type Template = readonly (number | 'batch')[]

/** How elements are drawn. */
export interface Elements {
  low?: number
  high?: number
  /** Never drawn: for divisors. */
  nonzero?: boolean
  /** Mixed in among float32 elements. */
  special?: readonly number[]
}

/** One operand of an op under test. */
export interface Operand {
  shape: Template
  dtype: DataType
  /** Fed from outside, or known while tracing: as an array, or as one repeated number. */
  role: 'input' | 'array' | 'splat'
  elements: Elements
}

/** What arithmetic treats in its own way. */
export const specials: readonly number[] = [Infinity, -Infinity, NaN, 0, -0]
const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }

/** Reproducible values; every second seed draws from a coarse grid, for ties, halves and zeros. */
export function drawTensor({ shape, dtype, elements }: Operand, seed: number, batch: number): HostTensor {
  const { low = -3, high = 3, nonzero = false, special } = elements
  const random = createRandom(seed)
  const onGrid = seed % 2 === 0
  const draw = (): number => {
    if (dtype === 'bool') return random.integer(2)
    if (dtype === 'float32' && special && random.integer(3) === 0)
      return special[random.integer(special.length)]!
    const value = low + random.next() * (high - low)
    const rounded = dtype === 'int32' ? Math.round(value) : onGrid ? Math.round(value * 2) / 2 : value
    const isAllowed = rounded >= low && rounded <= high && !(nonzero && rounded === 0)
    return isAllowed ? rounded : draw()
  }
  const concrete = shapeAt(shape, batch)
  const data = arrays[dtype].from(Array.from({ length: sizeOf(concrete) }, draw))
  return { dtype, shape: concrete, data }
}

export const shapeAt = (shape: Template, batch: number): number[] =>
  shape.map((size) => (size === 'batch' ? batch : size))

/** Shapes of some ranks, with small, unit and named axes. */
export function shapes({ minRank = 0, maxRank = 3 } = {}): fc.Arbitrary<Template> {
  const axis = fc.constantFrom<number | 'batch'>('batch', 1, 2, 3, 4)
  return fc.array(axis, { minLength: minRank, maxLength: maxRank })
}

/** Shapes that broadcast together: each lacks leading axes or has 1 in the place of some. */
export function broadcastable(
  count: number,
  options?: { minRank?: number; maxRank?: number },
): fc.Arbitrary<Template[]> {
  return shapes(options).chain((full) => {
    const dropped = fc.oneof(fc.constant(0), fc.nat(full.length))
    const ones = fc.array(fc.nat(3), { minLength: full.length, maxLength: full.length })
    const part = fc
      .tuple(dropped, ones)
      .map(([start, isOne]) => full.map((size, axis) => (isOne[axis] === 0 ? 1 : size)).slice(start))
    return fc.array(part, { minLength: count, maxLength: count })
  })
}

export const roles = fc.constantFrom<Operand['role']>('input', 'input', 'input', 'array', 'splat')
