import { sizeOf } from '@tfx/common'
import type { Graph, Traced } from '../graph'
import { isSplat } from '../graph'
import { cast } from './elementwise'
import { materialize } from './values'

/** A reduction over some axes (all non-negative). */
export interface Reduction {
  op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd'
  axes: readonly number[]
  keepDims: boolean
}

/** Sum, mean, maximum, minimum or product over axes. */
export function reduce(graph: Graph, x: Traced, { op, axes, keepDims }: Reduction): Traced {
  if (axes.length === 0) return x
  const shape = keepDims
    ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : x.shape.filter((_, axis) => !axes.includes(axis))
  if (isSplat(x) && op !== 'ReduceProd') {
    const count = sizeOf(axes.map((axis) => x.shape[axis]!))
    return graph.splat(op === 'ReduceSum' ? x.splat * count : x.splat, shape, x.dtype)
  }
  const attributes = { keepdims: keepDims ? 1 : 0 }
  return graph.single({
    op,
    inputs: [materialize(graph, x)],
    attributes,
    sizes: { axes },
    shape,
    dtype: x.dtype,
  })
}

/** True if all, or any, elements over some axes are true. */
export function reduceLogical(graph: Graph, x: Traced, { op, axes, keepDims }: Reduction): Traced {
  return cast(graph, reduce(graph, cast(graph, x, 'int32'), { op, axes, keepDims }), 'bool')
}

/** The index of the largest or smallest element along an axis; the first one where several are equal. */
export function argument(
  graph: Graph,
  x: Traced,
  { op, axis }: { op: 'ArgMax' | 'ArgMin'; axis: number },
): Traced {
  const shape = x.shape.filter((_, index) => index !== axis)
  const attributes = { axis, keepdims: 0 }
  const index = graph.single({ op, inputs: [materialize(graph, x)], attributes, shape, dtype: 'int64' })
  return cast(graph, index, 'int32')
}
