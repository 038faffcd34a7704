import type { Graph, Traced } from '../graph'
import { isSplat } from '../graph'
import { cast, compare, select } from './elementwise'
import { concatenate, reshape } from './shape'
import { materialize } from './values'

const arrays = { float32: Float32Array, int32: Int32Array }

/** Slices along one axis at the places that `indices` (any shape) names. */
export function gather(
  graph: Graph,
  x: Traced,
  { indices, axis }: { indices: Traced; axis: number },
): Traced {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
  const inputs = [materialize(graph, x), materialize(graph, indices)]
  return graph.single({ op: 'Gather', inputs, attributes: { axis }, shape, dtype: x.dtype })
}

/** One element of each row: `x[…, indices[…]]`; `indices` has x's shape without the last axis. */
export function gatherLast(graph: Graph, x: Traced, indices: Traced): Traced {
  const column = reshape(graph, indices, [...indices.shape, 1])
  const inputs = [materialize(graph, x), materialize(graph, column)]
  const attributes = { axis: x.shape.length - 1 }
  const picked = graph.single({
    op: 'GatherElements',
    inputs,
    attributes,
    shape: column.shape,
    dtype: x.dtype,
  })
  return reshape(graph, picked, indices.shape)
}

/** Adds `updates` to one element of each row of `x`: the gradient's side of {@link gatherLast}. */
export function scatterAddLast(
  graph: Graph,
  x: Traced,
  { indices, updates }: { indices: Traced; updates: Traced },
): Traced {
  const column = [...indices.shape, 1]
  const inputs = [x, reshape(graph, indices, column), reshape(graph, updates, column)].map((value) =>
    materialize(graph, value),
  )
  const attributes = { axis: x.shape.length - 1, reduction: 'add' }
  return graph.single({ op: 'ScatterElements', inputs, attributes, shape: x.shape, dtype: x.dtype })
}

/** Equal + Cast: onnxruntime's OneHot lacks most int32 forms. */
export function oneHot(
  graph: Graph,
  indices: Traced,
  { depth, on, off, dtype }: { depth: number; on: number; off: number; dtype: 'float32' | 'int32' | 'bool' },
): Traced {
  const classes = range(graph, { start: 0, stop: depth, step: 1, dtype: 'int32' })
  const column = reshape(graph, indices, [...indices.shape, 1])
  const isHot = compare(graph, 'Equal', [column, classes])
  if (on === 1 && off === 0) return cast(graph, isHot, dtype)
  return select(graph, isHot, [graph.splat(on, [], dtype), graph.splat(off, [], dtype)])
}

/**
 * `start, start + step, …` before `stop`; a node, not an array, so that its length may depend on an
 * axis. Like tfjs, counts down by itself if `stop` is below `start` and the step is 1.
 */
export function range(
  graph: Graph,
  {
    start,
    stop,
    step: given,
    dtype,
  }: { start: number; stop: number; step: number; dtype: 'float32' | 'int32' },
): Traced {
  const step = stop < start && given === 1 ? -1 : given
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (![start, stop, step].every(Number.isInteger)) {
    const elements = Array.from({ length }, (_, index) => start + index * step)
    return graph.constant(arrays[dtype].from(elements), [length], dtype)
  }
  const sizes = { start: [start], limit: [stop], delta: [step] }
  return cast(graph, graph.single({ op: 'Range', inputs: [], sizes, shape: [length], dtype: 'int64' }), dtype)
}

/** Running sums along an axis. */
export function cumulativeSum(
  graph: Graph,
  x: Traced,
  { axis, exclusive, reverse }: { axis: number; exclusive: boolean; reverse: boolean },
): Traced {
  const attributes = { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 }
  const { shape, dtype } = x
  const inputs = [materialize(graph, x)]
  return graph.single({ op: 'CumSum', inputs, attributes, sizes: { axis: [axis] }, shape, dtype })
}

/** Elements in reverse order along some axes. */
export function reverse(graph: Graph, x: Traced, axes: readonly number[]): Traced {
  if (isSplat(x) || axes.length === 0) return x
  const sizes = {
    starts: axes.map(() => -1),
    ends: axes.map(() => -(2 ** 31 - 1)),
    axes,
    steps: axes.map(() => -1),
  }
  const { shape, dtype } = x
  return graph.single({ op: 'Slice', inputs: [materialize(graph, x)], sizes, shape, dtype })
}

/** Values stacked along a new axis. */
export function stack(graph: Graph, values: readonly Traced[], axis: number): Traced {
  const columns = values.map((value) =>
    reshape(graph, value, [...value.shape.slice(0, axis), 1, ...value.shape.slice(axis)]),
  )
  return concatenate(graph, columns, axis)
}
