import type { Graph, Traced, Value } from '../graph'
import { isSplat, sameShape } from '../graph'
import { expand, scatterRows } from './sparse'

/** Turns whatever a tensor stands for into a value that a node can take. */
export function materialize(graph: Graph, value: Traced): Value {
  if (value.kind === 'sparse') return scatterRows(graph, graph.splat(0, value.shape, value.dtype), value)
  if (value.kind === 'broadcast') return expand(graph, value.source, value.shape)
  return isSplat(value) && value.shape.length > 0 ? expand(graph, value, value.shape) : value
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
