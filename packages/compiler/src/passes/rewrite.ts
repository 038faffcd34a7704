import type { GraphNode, NodeValue, Value } from '../graph'
import { type GraphProgram, prune } from '../program'

/** What a pass needs to know about the use of values. */
export interface Uses {
  /** How often a value is taken, as an input of a node or as an output of the program. */
  count(value: Value): number
  /** The nodes that take a value. */
  consumers(value: Value): readonly GraphNode[]
  isOutput(value: Value): boolean
}

export function countUses({ nodes, outputs }: Pick<GraphProgram, 'nodes' | 'outputs'>): Uses {
  const consumers = new Map<Value, GraphNode[]>()
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (!input) continue
      const list = consumers.get(input)
      if (list) list.push(node)
      else consumers.set(input, [node])
    }
  }
  const results = new Set(outputs.map(({ value }) => value))
  return {
    count: (value) => (consumers.get(value)?.length ?? 0) + (results.has(value) ? 1 : 0),
    consumers: (value) => consumers.get(value) ?? [],
    isOutput: (value) => results.has(value),
  }
}

/**
 * What takes the place of a node: another node's fields, or a value that is there already or is made by new nodes, which
 * come first.
 */
export type Replacement =
  | Partial<Pick<GraphNode, 'op' | 'domain' | 'inputs' | 'attributes'>>
  | { useInstead: Value; nodes?: readonly GraphNode[] }

/**
 * Applies replacements to a program and drops what is no longer needed. Values are rebuilt, so
 * that the program that came in stays as it was.
 */
export function rewrite(
  program: GraphProgram,
  replacements: ReadonlyMap<GraphNode, Replacement>,
): GraphProgram {
  if (replacements.size === 0) return program
  const renewed = new Map<Value, Value>()
  const current = <V extends Value | undefined>(value: V): V =>
    (value === undefined ? value : (renewed.get(value) ?? value)) as V
  const nodes: GraphNode[] = []
  const add = (node: GraphNode, changes?: Partial<GraphNode>) => {
    const outputs: NodeValue[] = []
    const changed = { ...node, ...changes }
    const next: GraphNode = { ...changed, inputs: changed.inputs.map(current), outputs }
    for (const output of node.outputs) {
      const value: NodeValue = { ...output, node: next }
      outputs.push(value)
      renewed.set(output, value)
    }
    nodes.push(next)
  }
  for (const node of program.nodes) {
    const replacement = replacements.get(node)
    if (replacement && 'useInstead' in replacement) {
      for (const fresh of replacement.nodes ?? []) add(fresh)
      renewed.set(node.outputs[0] as Value, current(replacement.useInstead))
    } else add(node, replacement)
  }
  const outputs = program.outputs.map(({ name, value }) => ({ name, value: current(value) }))
  return { ...program, ...prune({ nodes, inputs: program.inputs }, outputs) }
}
