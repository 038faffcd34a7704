import type { Traced } from '../graph'
import { cumulativeSum } from '../ops/indexing'
import { argument, reduce, reduceLogical, type Reduction } from '../ops/reduce'
import { materialize } from '../ops/values'
import { tf } from '../tf'
import { type Kernel, type KernelTable, normalizeAxis } from './kernel'

type Axes = number | number[] | null | undefined

const reduction =
  (op: Reduction['op'], perform = reduce): Kernel =>
  ({ graph, inputs, attributes }) => {
    const x = inputs['x'] as Traced
    // tfjs names the axes of Max differently from those of every other reduction.
    const axis = (attributes['axis'] ?? attributes['reductionIndices'] ?? null) as Axes
    const axes = tf.util.parseAxisParam(axis as number[], [...x.shape])
    return perform(graph, x, { op, axes, keepDims: attributes['keepDims'] === true })
  }

const argumentOf =
  (op: 'ArgMax' | 'ArgMin'): Kernel =>
  ({ graph, inputs, attributes }) => {
    const x = inputs['x'] as Traced
    const [axis] = tf.util.parseAxisParam(attributes['axis'] as number, [...x.shape])
    return argument(graph, x, { op, axis: axis as number })
  }

/** tfjs calls these for the last axis only. */
const alongLast =
  (op: 'Softmax' | 'LogSoftmax'): Kernel =>
  ({ graph, inputs }) => {
    const x = inputs['logits'] as Traced
    const { shape, dtype } = x
    return graph.single({ op, inputs: [materialize(graph, x)], attributes: { axis: -1 }, shape, dtype })
  }

export const reductionKernels: KernelTable = {
  All: reduction('ReduceMin', reduceLogical),
  Any: reduction('ReduceMax', reduceLogical),
  ArgMax: argumentOf('ArgMax'),
  ArgMin: argumentOf('ArgMin'),
  Cumsum: ({ graph, inputs, attributes }) => {
    const x = inputs['x'] as Traced
    return cumulativeSum(graph, x, {
      axis: normalizeAxis(attributes['axis'] as number, x.shape.length),
      exclusive: attributes['exclusive'] === true,
      reverse: attributes['reverse'] === true,
    })
  },
  LogSoftmax: alongLast('LogSoftmax'),
  Max: reduction('ReduceMax'),
  Mean: reduction('ReduceMean'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  Softmax: alongLast('Softmax'),
  Sum: reduction('ReduceSum'),
}
