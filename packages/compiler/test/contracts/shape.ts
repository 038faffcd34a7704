import type { DataType } from '@tfx/common'
import fc from 'fast-check'
import { tf } from '../../src/index'
import { shapes, type Template } from '../support/arbitrary'
import type { Contract, ContractTable, OpCase } from '../support/contract'
import { alike, casesOf, opCase, operand, type Values } from '../support/operands'

const everything: readonly DataType[] = ['float32', 'float32', 'int32', 'bool']
const any: Values = { dtypes: everything }
const fixedAxis = fc.constantFrom(1, 2, 3, 4)

/** An op on a shape, with attributes that depend on the shape. */
function shaped<A>(
  attributesFor: (shape: Template) => fc.Arbitrary<A>,
  op: (x: tf.Tensor, attributes: A) => tf.Tensor | tf.Tensor[],
  options?: { minRank?: number; maxRank?: number },
): Contract {
  const cases = shapes(options).chain((shape) =>
    fc
      .tuple(operand(shape, any), attributesFor(shape))
      .map(([x, attributes]) => opCase({ x }, ({ x }) => op(x as tf.Tensor, attributes), { attributes })),
  )
  return { cases, gradient: true }
}

const axisOf = (shape: Template) => fc.integer({ min: -shape.length, max: shape.length - 1 })
const isFixed = (length: number | 'batch' | undefined): length is number => typeof length === 'number'

/** For every axis of fixed length something, for every named one something that fits any length. */
const forEachAxis = <A>(
  shape: Template,
  fixed: (length: number) => fc.Arbitrary<A>,
  named: fc.Arbitrary<A>,
) => fc.tuple(...shape.map((length) => (isFixed(length) ? fixed(length) : named)))

/** tf.slice takes −1 for 'to the end'. */
const boxes = (shape: Template) =>
  forEachAxis<[number, number]>(
    shape,
    (length) =>
      fc
        .nat(length - 1)
        .chain((begin) => fc.tuple(fc.constant(begin), fc.constantFrom(-1, 1, length - begin))),
    fc.constantFrom<[number, number]>([0, -1], [0, 1]),
  )

interface Strides {
  begin: number
  end: number
  stride: number
}

const strides = (shape: Template): fc.Arbitrary<Strides[]> =>
  forEachAxis<Strides>(
    shape,
    (length) =>
      fc.oneof(
        fc.record({ begin: fc.nat(length - 1), end: fc.constant(length), stride: fc.constantFrom(1, 2) }),
        fc.record({ begin: fc.constant(-1), end: fc.constant(-length - 1), stride: fc.constantFrom(-1, -2) }),
      ),
    fc.constant({ begin: 0, end: 1, stride: 1 }),
  )

/** Tensors of one dtype that agree but for one axis. */
const pieces = (sameLength: boolean): fc.Arbitrary<OpCase & { axis: number }> =>
  shapes({ minRank: 1 }).chain((shape) =>
    fc.tuple(axisOf(shape), fc.array(fixedAxis, { minLength: 1, maxLength: 3 })).chain(([axis, lengths]) => {
      const place = axis < 0 ? axis + shape.length : axis
      return alike(everything, (values) =>
        fc.tuple(
          ...lengths.map((length) =>
            operand(
              shape.map((size, index) => (index === place && !sameLength ? length : size)),
              values,
            ),
          ),
        ),
      ).map((operands) => {
        const named = Object.fromEntries(operands.map((value, index) => [`x${index}`, value]))
        const op: OpCase['op'] = (tensors) =>
          sameLength ? tf.stack(Object.values(tensors), axis) : tf.concat(Object.values(tensors), axis)
        return { ...opCase(named, op, { attributes: { axis } }), axis }
      })
    }),
  )

/** What depends on x by its shape alone; x is returned too, for its axes must belong to an input in use. */
const likeX = (op: (x: tf.Tensor) => tf.Tensor): Contract => ({
  cases: shapes().chain((shape) => casesOf(operand(shape, any), (x) => [op(x), tf.clone(x)])),
  gradient: true,
})

export const shapeContracts: ContractTable = {
  Concat: { cases: pieces(false), gradient: true },
  Pack: { cases: pieces(true), gradient: true },
  ExpandDims: shaped(
    (shape) => fc.integer({ min: -shape.length - 1, max: shape.length }),
    (x, axis) => tf.expandDims(x, axis),
  ),
  Fill: {
    cases: fc
      .tuple(shapes(), fc.constantFrom<DataType>('float32', 'int32', 'bool'))
      .chain(([shape, dtype]) =>
        casesOf(operand(shape, { dtypes: ['float32'], role: 'input' }), (x) => [
          tf.fill(x.shape, 1, dtype),
          x,
        ]),
      ),
    gradient: 'its output is a constant',
  },
  OnesLike: likeX(tf.onesLike),
  ZerosLike: likeX(tf.zerosLike),
  PadV2: {
    cases: shapes({ minRank: 1 }).chain((shape) =>
      alike(everything, (values) => operand(shape, values)).chain((x) =>
        fc
          .tuple(
            fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { minLength: shape.length, maxLength: shape.length }),
            fc.constantFrom(
              ...(x.dtype === 'float32' ? [0, -1.5, -Infinity] : x.dtype === 'int32' ? [0, -7] : [0, 1]),
            ),
          )
          .map(([paddings, value]) =>
            opCase({ x }, ({ x }) => tf.pad(x as tf.Tensor, paddings, value), {
              attributes: { paddings, value },
            }),
          ),
      ),
    ),
    gradient: true,
  },
  Range: {
    cases: fc.oneof(
      fc
        .constantFrom<[number, number, number | undefined, 'float32' | 'int32']>(
          [0, 5, 1, 'int32'],
          [2, 11, 3, 'int32'],
          [5, 0, 1, 'int32'],
          [5, 0, undefined, 'float32'],
          [6, -3, -2, 'float32'],
          [3, 3, 1, 'int32'],
          [0, 1, 0.25, 'float32'],
          [0.5, -1, -0.5, 'float32'],
          [0, 2, -1, 'int32'],
        )
        .map(([start, stop, step, dtype]) =>
          opCase({}, () => tf.range(start, stop, step, dtype), { attributes: { start, stop, step, dtype } }),
        ),
      fc
        .constantFrom<'float32' | 'int32'>('float32', 'int32')
        .chain((dtype) =>
          casesOf(operand(['batch'], { role: 'input' }), (x) => [
            tf.range(1, 2 * x.shape[0] + 1, 2, dtype),
            x,
          ]),
        ),
    ),
    gradient: 'not defined by tfjs',
  },
  Reshape: {
    cases: fc.tuple(shapes({ maxRank: 3 }), fc.nat(3)).chain(([shape, form]) =>
      casesOf(operand(shape, any), (x) => {
        const reshaped = [
          () => tf.reshape(x, [-1]),
          () => tf.reshape(x, [1, ...x.shape]),
          () => tf.reshape(x, [-1, x.shape.at(-1) ?? 1]),
          () => tf.reshape(tf.reshape(x, [-1, 1]), x.shape),
        ]
        return (reshaped[form] as () => tf.Tensor)()
      }),
    ),
    gradient: true,
  },
  Reverse: shaped(
    (shape) => {
      const selector = (axis: number) => (axis + shape.length) % shape.length
      return fc.uniqueArray(axisOf(shape), { minLength: 1, selector })
    },
    (x, axes) => tf.reverse(x, axes),
    { minRank: 1 },
  ),
  Slice: shaped(
    boxes,
    (x, box) =>
      tf.slice(
        x,
        box.map(([begin]) => begin),
        box.map(([, size]) => size),
      ),
    {
      minRank: 1,
    },
  ),
  SplitV: {
    cases: shapes({ minRank: 1 }).chain((shape) =>
      fc.tuple(operand(shape, any), axisOf(shape), fc.boolean()).map(([x, axis, isEqual]) => {
        const length = shape.at(axis)
        const isSplit = isFixed(length) && length > 1
        const parts = (size: number) => (isEqual && size === 4 ? 2 : isSplit ? [1, -1] : [size])
        return opCase(
          { x },
          ({ x }) => tf.split(x as tf.Tensor, parts((x as tf.Tensor).shape.at(axis)!), axis),
          {
            attributes: { axis, isEqual },
            // The gradient of tfjs takes a lone piece for a list.
            forwardOnly: !isSplit,
          },
        )
      }),
    ),
    gradient: true,
  },
  StridedSlice: {
    ...shaped(
      strides,
      (x, box) =>
        tf.stridedSlice(
          x,
          box.map(({ begin }) => begin),
          box.map(({ end }) => end),
          box.map(({ stride }) => stride),
        ),
      { minRank: 1 },
    ),
    gradient: 'not defined by tfjs',
  },
  // tf.broadcastTo is a Tile as well.
  Tile: shaped(
    (shape) =>
      fc.record({
        repeats: fc.array(fc.integer({ min: 1, max: 3 }), {
          minLength: shape.length,
          maxLength: shape.length,
        }),
        isBroadcast: fc.boolean(),
        units: fc.constant(shape.map((length) => length === 1)),
      }),
    (x, { repeats, isBroadcast, units }) => {
      if (!isBroadcast) return tf.tile(x, repeats)
      return tf.broadcastTo(x, [2, ...x.shape.map((length, axis) => (units[axis] ? repeats[axis]! : length))])
    },
    { minRank: 1 },
  ),
  Transpose: shaped(
    (shape) => fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
    (x, permutation) => tf.transpose(x, permutation),
  ),
  Unpack: {
    cases: shapes({ minRank: 1 }).chain((shape) => {
      // The number of pieces cannot depend on a named axis.
      const axes = shape.flatMap((length, axis) => (isFixed(length) ? [axis, axis - shape.length] : []))
      const unpacked = axes.length > 0 ? shape : [...shape, 3]
      const axis = axes.length > 0 ? fc.constantFrom(...axes) : fc.constant(shape.length)
      return fc.tuple(operand(unpacked, any), axis).map(([x, axis]) =>
        opCase({ x }, ({ x }) => tf.unstack(x as tf.Tensor, axis), {
          attributes: { axis },
          // The gradient of tfjs takes a lone piece for a list.
          forwardOnly: unpacked.at(axis) === 1,
        }),
      )
    }),
    gradient: true,
  },
}
