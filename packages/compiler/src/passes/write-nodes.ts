import type { GraphNode, NodeValue, Value } from '../graph'

/** Shape and type of what a node puts out. */
export type OutputSpec = Pick<NodeValue, 'shape' | 'symbolicShape' | 'dtype'>

/** A node that a pass adds, with one output. */
export interface AddedNode {
  readonly op: string
  readonly inputs: readonly Value[]
  readonly output: OutputSpec
  readonly attributes?: GraphNode['attributes']
}

/** Adds a node to a list and returns its output. */
export function addNode(nodes: GraphNode[], { op, inputs, output, attributes = {} }: AddedNode): NodeValue {
  const outputs: NodeValue[] = []
  const node: GraphNode = { op, domain: '', inputs, attributes, sizes: {}, outputs }
  const { shape, symbolicShape, dtype } = output
  outputs.push({ id: -1, kind: 'node', node, shape, ...(symbolicShape && { symbolicShape }), dtype })
  nodes.push(node)
  return outputs[0]!
}

/** Adds a node like another one, with outputs of its own, that takes other inputs. */
export function addCopy(
  nodes: GraphNode[],
  node: GraphNode,
  change: (value: Value) => Value,
): readonly NodeValue[] {
  const outputs: NodeValue[] = []
  const copy = { ...node, inputs: node.inputs.map((value) => value && change(value)), outputs }
  for (const output of node.outputs) outputs.push({ ...output, node: copy })
  nodes.push(copy)
  return outputs
}
