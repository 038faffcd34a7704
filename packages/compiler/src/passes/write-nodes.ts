import type { GraphNode, NodeSpec, NodeValue, Value } from '../graph'

/** Shape and type of what a node puts out. */
export type OutputSpec = Pick<NodeValue, 'shape' | 'symbolicShape' | 'dtype'>

/** A node that a pass makes. */
export interface CreatedNode extends Omit<NodeSpec, 'outputs'> {
  readonly outputs: readonly OutputSpec[]
}

/** A node that a pass adds, with one output. */
export interface AddedNode extends Omit<CreatedNode, 'outputs'> {
  readonly output: OutputSpec
}

/** Makes a node, with outputs of its own. */
export function createNode({ outputs: specs, ...fields }: CreatedNode): GraphNode {
  const outputs: NodeValue[] = []
  const node: GraphNode = { domain: '', attributes: {}, sizes: {}, ...fields, outputs }
  for (const { shape, symbolicShape, dtype } of specs)
    outputs.push({ id: -1, kind: 'node', node, shape, ...(symbolicShape && { symbolicShape }), dtype })
  return node
}

/** Adds a node to a list and returns its output. */
export function addNode(nodes: GraphNode[], { output, ...fields }: AddedNode): NodeValue {
  const node = createNode({ ...fields, outputs: [output] })
  nodes.push(node)
  return node.outputs[0]!
}

/** Adds a node like another one, with outputs of its own, that takes other inputs. */
export function addCopy(
  nodes: GraphNode[],
  node: GraphNode,
  change: (value: Value) => Value,
): readonly NodeValue[] {
  const copy = createNode({ ...node, inputs: node.inputs.map((value) => value && change(value)) })
  nodes.push(copy)
  return copy.outputs
}
