import fc from 'fast-check'
import { tf } from '../../src/index'
import { shapes, type Template } from '../support/arbitrary'
import type { ContractTable, OpCase } from '../support/contract'
import { alike, opCase, operand } from '../support/operands'

const size = fc.constantFrom<number | 'batch'>('batch', 1, 2, 3)

/**
 * Matrices, or batches of them; each side perhaps transposed. One side may lack the first of the
 * leading axes: tfjs-cpu is right about no other broadcast.
 */
const matrixProducts: fc.Arbitrary<OpCase> = fc
  .record({
    lead: fc.array(size, { maxLength: 2 }),
    broadcastSide: fc.constantFrom('none', 'none', 'a', 'b'),
    sizes: fc.tuple(size, size, size),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
  })
  .chain(({ lead, broadcastSide, sizes: [rows, inner, columns], transposeA, transposeB }) => {
    const leadOf = (side: string): Template =>
      lead.map((length, axis) => (broadcastSide === side && axis === 0 ? 1 : length))
    const a: Template = [...leadOf('a'), ...(transposeA ? [inner, rows] : [rows, inner])]
    const b: Template = [...leadOf('b'), ...(transposeB ? [columns, inner] : [inner, columns])]
    return alike(['float32', 'float32', 'int32'], (values) =>
      fc.record({ a: operand(a, values), b: operand(b, values) }),
    ).map((operands) =>
      opCase(operands, ({ a, b }) => tf.matMul(a as tf.Tensor, b as tf.Tensor, transposeA, transposeB), {
        // tfjs does not sum the gradient over leading axes that were broadcast.
        forwardOnly: broadcastSide !== 'none',
        attributes: { transposeA, transposeB },
      }),
    )
  })

/** Indices into an axis of 4. */
const indices = (shape: Template) => operand(shape, { dtypes: ['int32'], elements: { low: 0, high: 3 } })

export const linearContracts: ContractTable = {
  BatchMatMul: { cases: matrixProducts, gradient: true, tolerance: { absolute: 1e-5, relative: 1e-5 } },
  GatherV2: {
    cases: fc
      .tuple(shapes({ maxRank: 2 }), shapes({ maxRank: 2 }), shapes({ maxRank: 2 }), fc.boolean())
      .chain(([before, after, places, fromEnd]) => {
        const shape = [...before, 4, ...after].slice(0, 4)
        const axis = shape[before.length] === 4 ? before.length : shape.length - 1
        const gathered = shape.map((length, index) => (index === axis ? 4 : length))
        const table = operand(gathered, { dtypes: ['float32', 'float32', 'int32', 'bool'] })
        return fc
          .record({ x: table, indices: indices(places) })
          .map((operands) =>
            opCase(
              operands,
              ({ x, indices }) =>
                tf.gather(x as tf.Tensor, indices as tf.Tensor1D, fromEnd ? axis - shape.length : axis),
              { attributes: { axis } },
            ),
          )
      }),
    gradient: true,
  },
  OneHot: {
    cases: fc
      .tuple(
        shapes({ maxRank: 2 }),
        fc.constantFrom<[number, number]>([1, 0], [0.5, -0.25], [0, -Infinity]),
        fc.constantFrom<'float32' | 'int32' | 'bool'>('float32', 'int32', 'bool'),
      )
      .chain(([shape, [on, off], dtype]) => {
        const [hot, cold] = dtype === 'float32' ? [on, off] : dtype === 'int32' ? [3, -2] : [1, 0]
        // 4 and −1 lie outside: a row without a hot element.
        return operand(shape, { dtypes: ['int32'], elements: { low: -1, high: 4 } }).map((x) =>
          opCase({ x }, ({ x }) => tf.oneHot(x as tf.Tensor1D, 4, hot, cold, dtype), {
            attributes: { hot, cold, dtype },
          }),
        )
      }),
    gradient: 'its input is int32',
  },
  UnsortedSegmentSum: {
    cases: fc
      .tuple(size, shapes({ maxRank: 2 }))
      .chain(([count, row]) =>
        fc
          .record({ x: operand([count, ...row], { dtypes: ['float32'] }), ids: indices([count]) })
          .map((operands) =>
            opCase(operands, ({ x, ids }) => tf.unsortedSegmentSum(x as tf.Tensor, ids as tf.Tensor1D, 4)),
          ),
      ),
    gradient: true,
  },
}
