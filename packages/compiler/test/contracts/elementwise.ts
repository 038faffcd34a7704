import type { DataType } from '@tfx/common'
import fc from 'fast-check'
import { tf } from '../../src/index'
import { broadcastable, shapes, specials, type Template } from '../support/arbitrary'
import type { Contract, ContractTable, OpCase } from '../support/contract'
import { casesOf, opCase, operand as makeOperand, type Values } from '../support/operands'

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor
type Unary = (x: tf.Tensor) => tf.Tensor

const none = 'not defined by tfjs'
const everything = ['float32', 'float32', 'int32', 'bool'] as const
const numbers = ['float32', 'float32', 'int32'] as const
const floats = ['float32'] as const

/** The elementwise ops are tested on special values too, unless told otherwise. */
const operand = (shape: Template, values: Values) => makeOperand(shape, { special: specials, ...values })
const ordinary: readonly number[] = []
const specialButNaN = specials.filter((value) => !Number.isNaN(value))

function unaryCases(op: Unary, values: Values = {}): fc.Arbitrary<OpCase> {
  return shapes().chain((shape) => casesOf(operand(shape, values), op))
}

function binaryCases(op: Binary, a: Values = {}, b: Values = a): fc.Arbitrary<OpCase> {
  return broadcastable(2).chain(([left, right]) =>
    fc
      .record({ a: operand(left!, a), b: operand(right!, b) })
      .map((operands) => opCase(operands, ({ a, b }) => op(a as tf.Tensor, b as tf.Tensor))),
  )
}

function sameShapeCases(op: Binary, shape: Template, values: Values = {}): fc.Arbitrary<OpCase> {
  return fc
    .record({ a: operand(shape, values), b: operand(shape, values) })
    .map((operands) => opCase(operands, ({ a, b }) => op(a as tf.Tensor, b as tf.Tensor)))
}

const unary = (op: Unary, values?: Values, rest: Partial<Contract> = {}): Contract => ({
  cases: unaryCases(op, values),
  gradient: true,
  ...rest,
})
const binary = (op: Binary, values?: Values, rest: Partial<Contract> = {}): Contract => ({
  cases: binaryCases(op, values),
  gradient: true,
  ...rest,
})
/** tfjs does not sum the gradients of these over broadcast axes. */
const unreduced = (op: Binary): Contract => ({
  cases: fc.oneof(
    binaryCases(op).map((opCase) => ({ ...opCase, forwardOnly: true })),
    shapes().chain((shape) => sameShapeCases(op, shape)),
  ),
  gradient: true,
})

const comparison = (op: Binary): Contract =>
  binary(op, { dtypes: everything }, { gradient: 'its output is bool' })
const logical = (op: Binary): Contract => binary(op, { dtypes: ['bool'] }, { gradient: none })

/** exp(x) − 1 and log(1 + x) cancel near 0: right to the rounding of values near 1. */
const cancelling = { absolute: 3e-7, relative: 1e-5 }

const large = { low: -60, high: 60 }
const divisors: Values = { dtypes: floats, elements: { nonzero: true }, special: ordinary }

export const elementwiseContracts: ContractTable = {
  Add: binary(tf.add, { dtypes: everything }),
  Sub: binary(tf.sub),
  Multiply: binary(tf.mul, { dtypes: everything }),
  RealDiv: {
    cases: fc.oneof(
      binaryCases(tf.div, { dtypes: floats }),
      binaryCases(tf.div, { dtypes: numbers, elements: { nonzero: true } }),
    ),
    gradient: true,
  },
  Maximum: unreduced(tf.maximum),
  Minimum: unreduced(tf.minimum),
  Pow: {
    cases: fc.oneof(
      binaryCases(tf.pow, { dtypes: floats, elements: { low: 0.5 }, special: ordinary }),
      binaryCases(tf.pow, { dtypes: ['int32'] }, { dtypes: ['int32'], elements: { low: 0 } }),
      binaryCases(tf.pow, { dtypes: floats }, { dtypes: ['int32'], elements: { low: -2 } }),
    ),
    gradient: true,
    tolerance: { absolute: 1e-5, relative: 1e-5 },
  },
  Equal: comparison(tf.equal),
  NotEqual: comparison(tf.notEqual),
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  LogicalAnd: logical(tf.logicalAnd),
  LogicalOr: logical(tf.logicalOr),
  LogicalNot: unary(tf.logicalNot, { dtypes: ['bool'] }, { gradient: none }),
  Abs: unary(tf.abs),
  Ceil: unary(tf.ceil, { dtypes: floats }),
  Cos: unary(tf.cos, { dtypes: floats }),
  Erf: unary(tf.erf, { dtypes: floats }),
  Exp: unary(tf.exp),
  Expm1: unary(tf.expm1, { dtypes: floats }, { tolerance: cancelling }),
  Floor: unary(tf.floor, { dtypes: floats }),
  Log: unary(tf.log, { dtypes: floats }),
  Log1p: unary(tf.log1p, { dtypes: floats }, { tolerance: cancelling }),
  Neg: unary(tf.neg),
  Reciprocal: unary(tf.reciprocal, { dtypes: floats }),
  Relu: unary(tf.relu),
  Relu6: unary(tf.relu6, { elements: { low: -3, high: 9 } }),
  Round: unary(tf.round),
  Rsqrt: unary(tf.rsqrt, { dtypes: floats }),
  Sigmoid: unary(tf.sigmoid, { dtypes: floats, elements: { low: -100, high: 100 } }),
  // onnxruntime's sign of NaN is NaN, that of tfjs 0.
  Sign: unary(tf.sign, { special: specialButNaN }),
  Sin: unary(tf.sin, { dtypes: floats }),
  Softplus: unary(tf.softplus, { dtypes: floats, elements: { low: -100, high: 100 } }),
  Sqrt: unary(tf.sqrt, { dtypes: floats }),
  Square: unary(tf.square),
  SquaredDifference: unreduced(tf.squaredDifference),
  Step: unary((x) => tf.step(x, 0.25), { dtypes: floats, special: specialButNaN }),
  Tanh: unary(tf.tanh, { dtypes: floats, elements: { low: -100, high: 100 } }),
  Elu: unary(tf.elu, { dtypes: floats }, { tolerance: cancelling }),
  EluGrad: {
    cases: shapes().chain((shape) =>
      sameShapeCases((dy, y) => tf.engine().runKernel('EluGrad', { dy, y }), shape, { dtypes: floats }),
    ),
    gradient: none,
  },
  LeakyRelu: unary((x) => tf.leakyRelu(x, 0.1), { dtypes: floats }),
  IsNan: unary(tf.isNaN, { dtypes: floats }, { gradient: 'its output is bool' }),
  AddN: {
    cases: fc.tuple(shapes(), fc.constantFrom(...numbers)).chain(([shape, dtype]) => {
      const part = operand(shape, { dtypes: [dtype] })
      return fc
        .dictionary(fc.constantFrom('a', 'b', 'c', 'd'), part, { minKeys: 1 })
        .map((operands) => opCase(operands, (tensors) => tf.addN(Object.values(tensors))))
    }),
    gradient: true,
  },
  Cast: {
    cases: fc.constantFrom<DataType>('float32', 'int32', 'bool').chain((dtype) =>
      fc.oneof(
        unaryCases((x) => tf.cast(x, dtype), { dtypes: everything, special: ordinary }),
        // What an infinite float32 is as int32 is not defined.
        unaryCases((x) => tf.cast(x, dtype === 'int32' ? 'bool' : dtype), { dtypes: everything }),
      ),
    ),
    gradient: true,
  },
  ClipByValue: {
    cases: fc
      .constantFrom<[number, number]>([-1, 2], [0, Infinity], [-Infinity, 1], [-0.5, 0.5])
      .chain(([low, high]) => unaryCases((x) => tf.clipByValue(x, low, high))),
    gradient: true,
  },
  FloorDiv: {
    cases: fc.oneof(
      binaryCases(tf.floorDiv, { dtypes: floats, elements: large, special: ordinary }, divisors),
      binaryCases(tf.floorDiv, { dtypes: ['int32'], elements: large }, { ...divisors, dtypes: ['int32'] }),
    ),
    gradient: true,
  },
  Mod: {
    cases: fc.oneof(
      binaryCases(tf.mod, { dtypes: floats, elements: large }, divisors),
      binaryCases(tf.mod, { dtypes: ['int32'], elements: large }, { ...divisors, dtypes: ['int32'] }),
    ),
    gradient: true,
  },
  Identity: unary((x) => tf.clone(x), { dtypes: everything }),
  Select: {
    cases: broadcastable(3).chain(([c, a, b]) =>
      fc.constantFrom(...everything).chain((dtype) =>
        fc
          .record({
            c: operand(c!, { dtypes: ['bool'] }),
            a: operand(a!, { dtypes: [dtype] }),
            b: operand(b!, { dtypes: [dtype] }),
          })
          .map((operands) =>
            opCase(operands, ({ c, a, b }) => tf.where(c as tf.Tensor, a as tf.Tensor, b as tf.Tensor)),
          ),
      ),
    ),
    gradient: true,
  },
}
