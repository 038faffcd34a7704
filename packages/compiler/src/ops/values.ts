import type { Graph, SparseValue, Traced, Value } from '../graph'
import { isSplat, sameShape } from '../graph'
import { concatenate } from './shape'
import { scatterRows } from './indexing'

/** Turns whatever a tensor stands for into a value that a node can take. */
export function materialize(graph: Graph, value: Traced): Value {
  if (value.kind === 'sparse') return scatterRows(graph, graph.splat(0, value.shape, value.dtype), value)
  const isBroadcast = value.kind === 'broadcast'
  if (!isBroadcast && !(isSplat(value) && value.shape.length > 0)) return value
  const source = isBroadcast ? value.source : graph.splat((value as { splat: number }).splat, [], value.dtype)
  const { shape, dtype } = value
  return graph.single({ op: 'Expand', inputs: [source], sizes: { shape }, shape, dtype })
}

/** The smallest value that broadcasts to `value`: what an elementwise node should take. */
export function compact(graph: Graph, value: Traced): Value {
  if (value.kind === 'sparse') return materialize(graph, value)
  if (value.kind === 'broadcast') return value.source
  return isSplat(value) && value.shape.length > 0 ? graph.splat(value.splat, [], value.dtype) : value
}

/** `value` broadcast to `shape`, lazily. */
export function broadcast(graph: Graph, value: Traced, shape: readonly number[]): Traced {
  if (sameShape(value.shape, shape)) return value
  if (isSplat(value)) return graph.splat(value.splat, shape, value.dtype)
  return { kind: 'broadcast', source: compact(graph, value), shape, dtype: value.dtype }
}

/** The sum of two row-sparse tensors of one shape: all rows of both. */
export function joinSparse(graph: Graph, a: SparseValue, b: SparseValue): SparseValue {
  return {
    kind: 'sparse',
    ids: materialize(graph, concatenate(graph, [a.ids, b.ids], 0)),
    rows: materialize(graph, concatenate(graph, [a.rows, b.rows], 0)),
    shape: a.shape,
    dtype: a.dtype,
  }
}
