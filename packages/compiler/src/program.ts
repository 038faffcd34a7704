import type { GraphNode, InputValue, SparseValue, Traced, Value } from './graph'
import { liveNodes } from './graph'
import { materialize } from './ops/values'
import type { Trace } from './trace'

/** A graph cut down to what its outputs need, ready to be unified, rewritten and emitted. */
export interface GraphProgram {
  readonly nodes: readonly GraphNode[]
  /** The inputs that are used, in the order in which they were declared. */
  readonly inputs: readonly InputValue[]
  readonly outputs: readonly { readonly name: string; readonly value: Value }[]
  /** The outputs that stay row-sparse: emitted as two, `<name>.ids` and `<name>.rows`. */
  readonly sparse: Readonly<Record<string, { readonly shape: readonly number[] }>>
}

/** Names of the two outputs that stand for a sparse one. */
export const sparseOutputs = (name: string): { ids: string; rows: string } => ({
  ids: `${name}.ids`,
  rows: `${name}.rows`,
})

/**
 * Finishes a trace: removes what no output needs.
 *
 * @param options `keepSparse` leaves embedding gradients as ids and rows; otherwise they are made dense.
 */
export function finish({ graph, outputs }: Trace, { keepSparse = false } = {}): GraphProgram {
  const sparse: Record<string, SparseValue> = {}
  const values = Object.entries(outputs).flatMap(([name, traced]: [string, Traced]) => {
    if (traced.kind !== 'sparse' || !keepSparse) return [{ name, value: materialize(graph, traced) }]
    sparse[name] = traced
    const names = sparseOutputs(name)
    return [
      { name: names.ids, value: traced.ids },
      { name: names.rows, value: traced.rows },
    ]
  })
  return { ...prune(graph, values), sparse }
}

/** Only the nodes and inputs that the outputs need. */
export function prune(
  { nodes, inputs }: { nodes: readonly GraphNode[]; inputs: readonly InputValue[] },
  outputs: GraphProgram['outputs'],
): Omit<GraphProgram, 'sparse'> {
  const live = liveNodes(
    { nodes: [...nodes] },
    outputs.map(({ value }) => value),
  )
  const used = new Set<Value | undefined>([
    ...live.flatMap((node) => node.inputs),
    ...outputs.map(({ value }) => value),
  ])
  return { nodes: live, inputs: inputs.filter((input) => used.has(input)), outputs }
}
