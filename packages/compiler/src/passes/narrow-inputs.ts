import type { GraphNode, InputValue, NarrowType, NodeValue, Value } from '../graph'
import type { GraphProgram } from '../program'
import { foldScales } from './fold-scales'
import { fuseBias } from './fuse-bias'
import { addCopy, addNode, type OutputSpec } from './write-nodes'

/** The name of the input with the scales of an int8 input: float32, one for each slice along the first axis. */
export const scalesInput = (name: string): string => `${name}:scales`

/**
 * Feeds some float32 inputs, weights that are not trained, in fewer bits: as float16, or as int8 with a scale for each
 * slice along the first axis (`scalesInput`). Whatever uses one widens it for itself.
 *
 * A weight that is widened once lives from the forward to the backward pass, and a runtime would widen all of them before
 * the first layer, which saves nothing. So each use widens it anew, and waits for what else it works on (`After` and `Done`,
 * see `onnx/order.ts`): no more than a layer's weights are wide at a time.
 *
 * @param types What to feed as what, by name. Inputs that the program does not have are passed over.
 */
export function narrowInputs(
  program: GraphProgram,
  types: Readonly<Record<string, NarrowType>>,
): GraphProgram {
  if (!program.inputs.some(({ name }) => name in types)) return program
  // First, so that a product with its bias and factor is one use.
  const { nodes, inputs, outputs, sparse } = fuseBias(foldScales(program))
  const written: GraphNode[] = []
  const narrow = new Map<Value, NarrowValue>()
  for (const input of inputs) if (types[input.name]) narrow.set(input, narrowValue(input, types[input.name]!))
  const renewed = new Map<Value, Value>()
  const current = (value: Value): Value => renewed.get(value) ?? value
  const waiting = createOrder(written)

  for (const node of nodes) {
    const [first, second] = node.inputs
    const table = first && narrow.get(first)
    if (table && node.op === 'After') {
      narrow.set(node.outputs[0]!, { ...table, sign: current(second!) })
    } else if (table && node.op === 'Gather' && node.attributes.axis === 0 && second?.shape.length === 1) {
      const rows = gatherRows(written, node, { ...waiting(table), ids: current(second) })
      renewed.set(node.outputs[0]!, rows)
    } else {
      const others = node.inputs.flatMap((value) => (value && !narrow.has(value) ? [current(value)] : []))
      const other = others.find(({ kind, dtype }) => kind === 'node' && dtype === 'float32')
      const copies = addCopy(written, node, (value) => {
        const source = narrow.get(value)
        return source ? widen(written, waiting(source, other)) : current(value)
      })
      node.outputs.forEach((output, index) => renewed.set(output, copies[index]!))
    }
  }
  const result = (value: Value) => {
    const source = narrow.get(value)
    return source ? widen(written, waiting(source)) : current(value)
  }
  return {
    nodes: written,
    inputs: inputs.flatMap((input) => {
      const { values, scales } = narrow.get(input) ?? { values: input }
      return (scales ? [values, scales] : [values]) as InputValue[]
    }),
    outputs: outputs.map(({ name, value }) => ({ name, value: result(value) })),
    sparse,
  }
}

interface NarrowValue {
  readonly values: Value
  /** Of int8 values. */
  readonly scales?: Value | undefined
  /** What must be done before they are used. */
  readonly sign?: Value | undefined
}

function narrowValue(input: InputValue, type: NarrowType): NarrowValue {
  const values: InputValue = { ...input, dtype: type }
  if (type === 'float16') return { values }
  const { id, dtype, kind, shape } = input
  const scales: InputValue = { id, dtype, kind, name: scalesInput(input.name), shape: shape.slice(0, 1) }
  return { values, scales }
}

/**
 * Makes narrow values wait for their sign and for another value, by one After in all: onnxruntime 1.30 fails to load a
 * model with two of its Reshapes in a row.
 */
function createOrder(nodes: GraphNode[]): (value: NarrowValue, other?: Value) => NarrowValue {
  const signs = new Map<Value, NodeValue>()
  const done = (inputs: readonly Value[]) =>
    addNode(nodes, { op: 'Done', inputs, output: { shape: [0], dtype: 'int64' } })
  const signOf = (value: Value) => {
    const sign = signs.get(value) ?? done([value])
    signs.set(value, sign)
    return sign
  }
  return ({ values, scales, sign }, other) => {
    const reasons = [...(sign ? [sign] : []), ...(other ? [signOf(other)] : [])]
    if (reasons.length === 0) return { values, scales }
    const last = reasons.length === 1 ? reasons[0]! : done(reasons)
    return { values: addNode(nodes, { op: 'After', inputs: [values, last], output: values }), scales }
  }
}

/** The float32 numbers that a narrow value stands for. */
function widen(nodes: GraphNode[], { values, scales }: NarrowValue): NodeValue {
  const output = { ...values, dtype: 'float32' } as const
  return scales
    ? addNode(nodes, { op: 'DequantizeLinear', inputs: [values, scales], output, attributes: { axis: 0 } })
    : addNode(nodes, { op: 'Cast', inputs: [values], output, attributes: { to: 'float32' } })
}

/** Looks up the rows of a narrow table by a list of ids, and widens no others. */
function gatherRows(
  nodes: GraphNode[],
  { outputs: [output], attributes }: GraphNode,
  { values, scales, ids }: NarrowValue & { ids: Value },
): NodeValue {
  const gather = (table: Value, shapes: Omit<OutputSpec, 'dtype'>) =>
    addNode(nodes, {
      op: 'Gather',
      inputs: [table, ids],
      output: { ...shapes, dtype: table.dtype },
      attributes,
    })
  return widen(nodes, { values: gather(values, output!), scales: scales && gather(scales, ids) })
}
