import { type GraphNode, isSplat, sameShape, type Value } from '../graph'
import type { GraphProgram } from '../program'
import { countUses, type Replacement, rewrite, type Uses } from './rewrite'

const products = new Set(['MatMul', 'Gemm', 'FusedMatMul'])
const views = new Set(['Reshape', 'Transpose'])

/**
 * Multiplications by a constant become the `alpha` of the matrix products that they feed, where
 * they cost nothing: the 1/√d of attention, the 1/batch of a mean loss.
 */
export function foldScales(program: GraphProgram): GraphProgram {
  const uses = countUses(program)
  const factors = new Map<GraphNode, number>()
  const replacements = new Map<GraphNode, Replacement>()
  for (const node of program.nodes) {
    const scale = node.op === 'Mul' ? node.inputs[1] : undefined
    const [scaled, result] = [node.inputs[0], node.outputs[0]] as [Value, Value]
    if (!scale || !isSplat(scale) || scale.symbolicSplat || scale.shape.length > 0) continue
    // Gemm skips the product where alpha is 0, and would lose a NaN.
    if (scale.splat === 0 || !Number.isFinite(scale.splat)) continue
    if (result.dtype !== 'float32' || !sameShape(scaled.shape, result.shape)) continue
    const targets = productsFedBy(result, uses)
    if (!targets || targets.length === 0) continue
    for (const target of targets) factors.set(target, (factors.get(target) ?? 1) * scale.splat)
    replacements.set(node, { useInstead: scaled })
  }
  for (const [node, factor] of factors) replacements.set(node, withAlpha(node, factor))
  return rewrite(program, replacements)
}

/** All matrix products that take the value (perhaps reshaped), or undefined if anything else does. */
function productsFedBy(value: Value, uses: Uses): GraphNode[] | undefined {
  if (uses.isOutput(value)) return undefined
  const found: GraphNode[] = []
  for (const consumer of uses.consumers(value)) {
    if (products.has(consumer.op) && consumer.inputs.length === 2) found.push(consumer)
    else if (views.has(consumer.op)) {
      const inner = productsFedBy(consumer.outputs[0] as Value, uses)
      if (!inner) return undefined
      found.push(...inner)
    } else return undefined
  }
  return found
}

function withAlpha(node: GraphNode, factor: number): Replacement {
  const attributes = { ...node.attributes, alpha: { float: factor } }
  if (node.op !== 'MatMul') return { attributes }
  const isGemm = node.inputs.every((input) => input?.shape.length === 2)
  return isGemm ? { op: 'Gemm', attributes } : { op: 'FusedMatMul', domain: 'com.microsoft', attributes }
}
