import type { DataType } from '@tfx/common'
import fc from 'fast-check'
import type { tf } from '../../src/index'
import { type Elements, type Operand, roles, type Template } from './arbitrary'
import type { OpCase } from './contract'

/** What an operand may hold. */
export interface Values {
  /** Default float32 and int32. */
  dtypes?: readonly DataType[]
  elements?: Elements
  /** Infinities, NaN and signed zeros that are part of the contract. Default none. */
  special?: readonly number[]
  /** Default: fed, an array or a splat. */
  role?: Operand['role']
}

const numbers = ['float32', 'float32', 'int32'] as const

/** An operand of a shape. */
export function operand(
  shape: Template,
  { dtypes = numbers, elements = {}, special = [], role }: Values = {},
): fc.Arbitrary<Operand> {
  const isSpecial = special.length > 0 ? fc.nat(2).map((one) => one === 0) : fc.constant(false)
  return fc.record({
    shape: fc.constant(shape),
    dtype: fc.constantFrom(...dtypes),
    role: role ? fc.constant(role) : roles,
    elements: isSpecial.map((mixed) => (mixed ? { ...elements, special } : elements)),
  })
}

/** Operands of one dtype, drawn from some. */
export function alike<T>(
  dtypes: readonly DataType[],
  make: (values: { dtypes: readonly DataType[] }) => fc.Arbitrary<T>,
): fc.Arbitrary<T> {
  return fc.constantFrom(...dtypes).chain((dtype) => make({ dtypes: [dtype] }))
}

/** A case with a label that names operands and attributes. */
export function opCase(
  operands: Record<string, Operand>,
  op: OpCase['op'],
  rest: Partial<OpCase> & { attributes?: unknown } = {},
): OpCase {
  const { attributes, ...others } = rest
  const described = Object.entries(operands).map(
    ([name, { shape, dtype, role }]) => `${name}: ${role} ${dtype}[${shape.join()}]`,
  )
  const suffix = attributes === undefined ? '' : ` ${JSON.stringify(attributes)}`
  return { label: described.join(', ') + suffix, operands, op, ...others }
}

/** Cases with one operand `x`. */
export function casesOf(
  x: fc.Arbitrary<Operand>,
  op: (x: tf.Tensor) => tf.Tensor | tf.Tensor[],
): fc.Arbitrary<OpCase> {
  return x.map((operand) => opCase({ x: operand }, ({ x }) => op(x as tf.Tensor)))
}
