import type { DataType } from '@tfx/common'
import fc from 'fast-check'
import { tf } from '../../src/index'
import { shapes } from '../support/arbitrary'
import type { Contract, ContractTable, OpCase } from '../support/contract'
import { opCase, operand, type Values } from '../support/operands'

type Reduce = (x: tf.Tensor, axes: number[] | undefined, keepDims: boolean) => tf.Tensor

/** No axes, some, or all; counted from either end. */
function axesOf(rank: number): fc.Arbitrary<number[] | undefined> {
  if (rank === 0) return fc.constant(undefined)
  const some = fc.uniqueArray(fc.nat(rank - 1), { minLength: 1, maxLength: rank })
  const counted = fc
    .tuple(some, fc.boolean())
    .map(([axes, fromEnd]) => (fromEnd ? axes.map((axis) => axis - rank) : axes))
  return fc.option(counted, { nil: undefined })
}

function reductionCases(op: Reduce, values: Values): fc.Arbitrary<OpCase> {
  return shapes().chain((shape) =>
    fc
      .tuple(operand(shape, values), axesOf(shape.length), fc.boolean())
      .map(([x, axes, keepDims]) =>
        opCase({ x }, ({ x }) => op(x as tf.Tensor, axes, keepDims), { attributes: { axes, keepDims } }),
      ),
  )
}

const numbers: readonly DataType[] = ['float32', 'float32', 'int32']
const infinities = [Infinity, -Infinity]

function reduction(op: Reduce, values: Values = {}, rest: Partial<Contract> = {}): Contract {
  return { cases: reductionCases(op, values), gradient: true, ...rest }
}

const logical = (op: Reduce) => reduction(op, { dtypes: ['bool'] }, { gradient: 'not defined by tfjs' })

function alongAxis(
  op: (x: tf.Tensor, axis: number, flags: [boolean, boolean]) => tf.Tensor,
  values: Values = {},
): fc.Arbitrary<OpCase> {
  return shapes({ minRank: 1 }).chain((shape) => {
    const axis = fc.integer({ min: -shape.length, max: shape.length - 1 })
    return fc
      .tuple(operand(shape, values), axis, fc.tuple(fc.boolean(), fc.boolean()))
      .map(([x, axis, flags]) =>
        opCase({ x }, ({ x }) => op(x as tf.Tensor, axis, flags), { attributes: { axis, flags } }),
      )
  })
}

const isLast = ({ operands, label }: OpCase) => {
  const axis = Number(/"axis":(-?\d+)/.exec(label)?.[1])
  return axis === -1 || axis === (operands.x?.shape.length ?? 0) - 1
}

export const reductionContracts: ContractTable = {
  Sum: reduction(tf.sum, { dtypes: ['float32', 'int32', 'bool'] }),
  Mean: reduction(tf.mean, { dtypes: ['float32', 'int32', 'bool'] }),
  Max: reduction(tf.max, { special: infinities }),
  Min: reduction(tf.min, { special: infinities }),
  Prod: reduction(
    tf.prod,
    { dtypes: [...numbers, 'bool'] },
    {
      gradient: 'that of tfjs takes Cumprod, which ONNX lacks',
      tolerance: { absolute: 1e-5, relative: 1e-5 },
    },
  ),
  All: logical(tf.all),
  Any: logical(tf.any),
  // The argmax of bool is that of int32; ties are frequent in half of the draws, and go to the first.
  ArgMax: {
    cases: alongAxis((x, axis) => tf.argMax(x, axis), { special: infinities }),
    gradient: 'its output is int32',
  },
  ArgMin: {
    cases: alongAxis((x, axis) => tf.argMin(x, axis), { special: infinities }),
    gradient: 'its output is int32',
  },
  Cumsum: {
    // tfjs-cpu returns nonsense for an axis counted from the end; its gradient is right for the last axis only.
    cases: alongAxis((x, axis, [exclusive, reverse]) => {
      return tf.cumsum(x, axis < 0 ? axis + x.rank : axis, exclusive, reverse)
    }).map((given) => ({ ...given, forwardOnly: !isLast(given) })),
    gradient: true,
  },
  Softmax: {
    cases: shapes({ minRank: 1 }).chain((shape) =>
      operand(shape, { dtypes: ['float32'], elements: { low: -50, high: 50 } }).map((x) =>
        opCase({ x }, ({ x }) => tf.softmax(x as tf.Tensor)),
      ),
    ),
    gradient: true,
  },
}
