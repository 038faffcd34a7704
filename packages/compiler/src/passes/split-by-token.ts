import type { GraphNode, Value } from '../graph'
import type { GraphProgram } from '../program'
import { countUses, type Replacement, rewrite, type Uses } from './rewrite'
import { createNode } from './write-nodes'

/**
 * A matrix that is split and then reshaped by token, piece for piece, is reshaped once, before; and where attention takes
 * its queries, keys and values as they come from the split, it takes them unsplit.
 */
export function splitByToken(program: GraphProgram): GraphProgram {
  const uses = countUses(program)
  const replacements = new Map<GraphNode, Replacement>()
  for (const split of program.nodes) {
    const reshapes = reshapesByToken(split, uses)
    if (reshapes === undefined) continue
    const whole = reshapedWhole(split.inputs[0]!, reshapes[0]!)
    const packed = whole.outputs[0]!
    const attention = attentionToAll(reshapes, uses)
    if (attention) {
      replacements.set(split, { useInstead: packed, nodes: [whole] })
      const inputs = [packed, undefined, undefined, ...attention.inputs.slice(3)]
      replacements.set(attention, { inputs })
      continue
    }
    const pieces = createNode({
      ...split,
      inputs: [packed],
      attributes: { axis: 2 },
      outputs: reshapes.map(({ outputs }) => outputs[0]!),
    })
    replacements.set(split, { useInstead: pieces.outputs[0]!, nodes: [whole, pieces] })
    reshapes.forEach((reshape, index) => replacements.set(reshape, { useInstead: pieces.outputs[index]! }))
  }
  return rewrite(program, replacements)
}

/** What takes the pieces of a matrix [rows, width], if it reshapes each to [batch, tokens, its width]. */
function reshapesByToken(split: GraphNode, uses: Uses): readonly GraphNode[] | undefined {
  if (split.op !== 'Split' || split.attributes.axis !== 1 || split.inputs[0]!.shape.length !== 2)
    return undefined
  const consumers = split.outputs.map((piece) => (uses.isOutput(piece) ? [] : uses.consumers(piece)))
  const reshapes = consumers.flatMap((list) => (list.length === 1 && list[0]!.op === 'Reshape' ? list : []))
  const leading = reshapes.map(({ sizes }) => JSON.stringify(sizes.shape!.slice(0, 2)))
  const isByToken = ({ outputs: [piece] }: GraphNode, index: number) =>
    piece!.shape.length === 3 && piece!.shape[2] === split.outputs[index]!.shape[1]
  const isWhole = reshapes.length === split.outputs.length && reshapes.every(isByToken)
  return isWhole && new Set(leading).size === 1 ? reshapes : undefined
}

/** The matrix, by token as one of its pieces is. */
function reshapedWhole(matrix: Value, piece: GraphNode): GraphNode {
  const width = matrix.shape[1]!
  const { shape, symbolicShape } = piece.outputs[0]!
  return createNode({
    op: 'Reshape',
    inputs: [matrix],
    sizes: { shape: [...piece.sizes.shape!.slice(0, 2), width] },
    outputs: [
      {
        dtype: matrix.dtype,
        shape: [...shape.slice(0, 2), width],
        ...(symbolicShape && { symbolicShape: [...symbolicShape.slice(0, 2), width] }),
      },
    ],
  })
}

/** The attention whose queries, keys and values the pieces are, and nothing else is. */
function attentionToAll(reshapes: readonly GraphNode[], uses: Uses): GraphNode | undefined {
  const pieces = reshapes.map(({ outputs }) => outputs[0]!)
  const [attention] = uses.consumers(pieces[0]!)
  if (attention?.op !== 'GroupQueryAttention' || pieces.length !== 3) return undefined
  const isTaken = (piece: Value, index: number) =>
    attention.inputs[index] === piece && uses.count(piece) === 1
  return pieces.every(isTaken) ? attention : undefined
}
