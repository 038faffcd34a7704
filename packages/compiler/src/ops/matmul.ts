import type { Graph, Traced } from '../graph'
import { broadcastShape } from './elementwise'
import { transpose } from './shape'
import { materialize } from './values'

/**
 * A (batched) matrix product. Two matrices with a transposed side become a Gemm; batches of them
 * a FusedMatMul, which multiplies without writing the transposed copy.
 */
export function matrixMultiply(
  graph: Graph,
  [a, b]: readonly [Traced, Traced],
  { transposeA, transposeB }: { transposeA: boolean; transposeB: boolean },
): Traced {
  if (a.dtype !== 'float32' && (transposeA || transposeB)) {
    // Gemm and FusedMatMul multiply floating-point numbers only.
    const turned = [turn(graph, a, transposeA), turn(graph, b, transposeB)] as const
    return matrixMultiply(graph, turned, { transposeA: false, transposeB: false })
  }
  const inputs = [materialize(graph, a), materialize(graph, b)]
  const rows = a.shape.at(transposeA ? -1 : -2)!
  const columns = b.shape.at(transposeB ? -2 : -1)!
  const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns]
  const common = { inputs, shape, dtype: a.dtype }
  if (!transposeA && !transposeB) return graph.single({ op: 'MatMul', ...common })
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }
  if (shape.length === 2) return graph.single({ op: 'Gemm', attributes, ...common })
  return graph.single({ op: 'FusedMatMul', domain: 'com.microsoft', attributes, ...common })
}

function turn(graph: Graph, x: Traced, isTransposed: boolean): Traced {
  const rank = x.shape.length
  return isTransposed ? transpose(graph, x, [...Array(rank - 2).keys(), rank - 1, rank - 2]) : x
}
