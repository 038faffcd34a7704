import type { GraphNode, InputValue, NodeValue, Value } from '../graph'
import { sameShape } from '../graph'
import type { GraphProgram } from '../program'
import { countUses, type Replacement, rewrite } from './rewrite'
import { createNode } from './write-nodes'

/** What onnxruntime calls a norm that adds first. */
const addingNorms: Readonly<Record<string, string>> = {
  LayerNormalization: 'SkipLayerNormalization',
  SimplifiedLayerNormalization: 'SkipSimplifiedLayerNormalization',
}

/**
 * A sum and the norm of it become one node, which puts out both: the residual connection of every layer. What it costs to
 * begin a node counts where the matrix is one row.
 */
export function fuseNorms(program: GraphProgram): GraphProgram {
  const uses = countUses(program)
  const replacements = new Map<GraphNode, Replacement>()
  for (const norm of program.nodes) {
    const op = addingNorms[norm.op]
    const [sum, ...parameters] = norm.inputs as [Value, ...Value[]]
    if (op === undefined || sum.kind !== 'node' || !isSum(sum.node) || replacements.has(sum.node)) continue
    // The fused node comes where the sum was, and only inputs are sure to be there.
    if (!parameters.every((value): value is InputValue => value.kind === 'input')) continue
    const [normed, ...statistics] = norm.outputs as [NodeValue, ...NodeValue[]]
    if (statistics.some((value) => uses.count(value) > 0)) continue
    const fused = createNode({
      op,
      domain: 'com.microsoft',
      inputs: [...sum.node.inputs, ...parameters],
      attributes: { epsilon: norm.attributes.epsilon! },
      // Mean and inverse deviation come before the sum, also where there is no mean.
      outputs: [normed, statistics[0]!, statistics[0]!, sum],
    })
    replacements.set(sum.node, { useInstead: fused.outputs[3]!, nodes: [fused] })
    replacements.set(norm, { useInstead: fused.outputs[0]! })
  }
  return rewrite(program, replacements)
}

/** Nothing is broadcast, and a matrix: other ranks onnxruntime fuses itself, or not at all. */
function isSum({ op, inputs: [a, b], outputs: [sum] }: GraphNode): boolean {
  return op === 'Add' && sum!.dtype === 'float32' && a!.shape.length === 2 && sameShape(a!.shape, b!.shape)
}
