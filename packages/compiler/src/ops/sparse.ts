import type { Graph, SparseValue, Value } from '../graph'
import { isSplat } from '../graph'

/** `value` written out at `shape`, to which it broadcasts. */
export function expand(graph: Graph, value: Value, shape: readonly number[]): Value {
  const source = isSplat(value) ? graph.splat(value.splat, [], value.dtype) : value
  return graph.single({ op: 'Expand', inputs: [source], sizes: { shape }, shape, dtype: value.dtype })
}

/** The sum of two row-sparse tensors of one shape: all rows of both. */
export function joinSparse(graph: Graph, a: SparseValue, b: SparseValue): SparseValue {
  const join = (first: Value, second: Value) => {
    const shape = [(first.shape[0] ?? 0) + (second.shape[0] ?? 0), ...first.shape.slice(1)]
    const attributes = { axis: 0 }
    return graph.single({ op: 'Concat', inputs: [first, second], attributes, shape, dtype: first.dtype })
  }
  return { ...a, ids: join(a.ids, b.ids), rows: join(a.rows, b.rows) }
}

/** Sums that were scattered already, so that a further sparse part joins them instead of copying the whole. */
const scattered = new WeakMap<Value, { dense: Value; sparse: SparseValue }>()

/**
 * Adds sparse rows into a dense tensor. ScatterElements, not ScatterND: with `add` the latter
 * races on repeated indices when onnxruntime has several threads.
 */
export function scatterRows(graph: Graph, dense: Value, sparse: SparseValue): Value {
  const earlier = scattered.get(dense)
  if (earlier) return scatterRows(graph, earlier.dense, joinSparse(graph, earlier.sparse, sparse))
  const { ids, rows, shape, dtype } = sparse
  const to = 'int64'
  const wide = graph.single({ op: 'Cast', inputs: [ids], attributes: { to }, shape: ids.shape, dtype: to })
  const columnShape = [...ids.shape, ...shape.slice(1).map(() => 1)]
  const column = graph.single({
    op: 'Reshape',
    inputs: [wide],
    sizes: { shape: columnShape },
    shape: columnShape,
    dtype: to,
  })
  const base = isSplat(dense) ? expand(graph, dense, shape) : dense
  const inputs = [base, expand(graph, column, rows.shape), rows]
  const attributes = { axis: 0, reduction: 'add' }
  const result = graph.single({ op: 'ScatterElements', inputs, attributes, shape, dtype })
  scattered.set(result, { dense, sparse })
  return result
}
