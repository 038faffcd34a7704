import type { GraphNode, Value } from '../graph'
import type { GraphProgram } from '../program'
import { countUses, type Replacement, rewrite } from './rewrite'

/** `x·W + b` on matrices becomes one Gemm: the bias is added while the product is still in cache. */
export function fuseBias(program: GraphProgram): GraphProgram {
  const uses = countUses(program)
  const replacements = new Map<GraphNode, Replacement>()
  for (const node of program.nodes) {
    if (node.op !== 'Add' || node.outputs[0]?.dtype !== 'float32') continue
    const [a, b] = node.inputs as [Value, Value]
    const [product, bias] = a.shape.length === 2 ? [a, b] : [b, a]
    if (product.kind !== 'node' || bias.shape.length !== 1 || uses.count(product) !== 1) continue
    const { op, inputs, attributes } = product.node
    const isProduct = (op === 'MatMul' || op === 'Gemm') && inputs.length === 2
    if (!isProduct || bias.shape[0] !== product.shape[1]) continue
    replacements.set(node, { op: 'Gemm', inputs: [...inputs, bias], attributes })
  }
  return rewrite(program, replacements)
}
