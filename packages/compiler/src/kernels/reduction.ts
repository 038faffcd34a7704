import { cast } from '../ops/elementwise'
import { cumulativeSum } from '../ops/indexing'
import { argument, reduce, reduceLogical, type Reduction } from '../ops/reduce'
import { materialize } from '../ops/values'
import { tf } from '../tf'
import { type Kernel, type KernelTable, normalizeAxis } from './kernel'

type Axes = number | number[] | null | undefined

const reduction =
  (op: Reduction['op'], perform = reduce): Kernel =>
  ({ graph, inputs, attributes }) => {
    const given = inputs.x!
    // As in tfjs, the mean of integers is no integer.
    const x = op === 'ReduceMean' ? cast(graph, given, 'float32') : given
    // tfjs names the axes of Max differently from those of every other reduction.
    const axis = (attributes.axis ?? attributes.reductionIndices ?? null) as Axes
    const axes = tf.util.parseAxisParam(axis as number[], [...x.shape])
    return perform(graph, x, { op, axes, keepDims: attributes.keepDims === true })
  }

const argumentOf =
  (op: 'ArgMax' | 'ArgMin'): Kernel =>
  ({ graph, inputs, attributes }) => {
    const x = inputs.x!
    const [axis] = tf.util.parseAxisParam(attributes.axis as number, [...x.shape])
    return argument(graph, x, { op, axis: axis! })
  }

export const reductionKernels: KernelTable = {
  All: reduction('ReduceMin', reduceLogical),
  Any: reduction('ReduceMax', reduceLogical),
  ArgMax: argumentOf('ArgMax'),
  ArgMin: argumentOf('ArgMin'),
  Cumsum: ({ graph, inputs, attributes }) => {
    const x = inputs.x!
    return cumulativeSum(graph, x, {
      axis: normalizeAxis(attributes.axis as number, x.shape.length),
      exclusive: attributes.exclusive === true,
      reverse: attributes.reverse === true,
    })
  },
  Max: reduction('ReduceMax'),
  Mean: reduction('ReduceMean'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  // tfjs calls it for the last axis only.
  Softmax: ({ graph, inputs }) => {
    const { shape, dtype } = inputs.logits!
    const logits = materialize(graph, inputs.logits!)
    return graph.single({ op: 'Softmax', inputs: [logits], attributes: { axis: -1 }, shape, dtype })
  },
  Sum: reduction('ReduceSum'),
}
