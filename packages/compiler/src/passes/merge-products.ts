import { sizeOf } from '@tfx/common'
import type { GraphNode, InputValue, NodeValue, Size, Value } from '../graph'
import type { GraphProgram } from '../program'
import { countUses, type Replacement, rewrite, type Uses } from './rewrite'
import { createNode } from './write-nodes'

/** The values of inputs that are stored in the model. */
export type StoredValues = (name: string) => Float32Array | undefined

/** A product of a matrix with a stored weight [outputs, inputs], perhaps with a stored bias. */
interface StoredProduct {
  readonly node: GraphNode
  readonly weight: InputValue
  readonly bias: InputValue | undefined
}

/**
 * Products of one matrix with several stored weights become one product: queries, keys and values, or the two halves of a
 * gated feed-forward. What it costs to begin a product counts where the matrix is one row, as in writing token by token.
 *
 * @returns The program, and the values of its stored inputs, merged ones included.
 */
export function mergeProducts(
  program: GraphProgram,
  stored: StoredValues,
): { program: GraphProgram; stored: StoredValues } {
  const replacements = new Map<GraphNode, Replacement>()
  const joined = new Map<string, InputValue>()
  const values = new Map<string, Float32Array>()
  const join = (parts: readonly InputValue[]): InputValue => {
    const input = joinedInput(parts)
    joined.set(input.name, input)
    values.set(input.name, joinedValues(parts, stored))
    return input
  }
  for (const products of siblings(program, stored)) {
    const weight = join(products.map(({ weight }) => weight))
    const biases = products.flatMap(({ bias }) => (bias ? [bias] : []))
    const { nodes, results } = mergedProduct(products, [weight, ...(biases.length > 0 ? [join(biases)] : [])])
    products.forEach(({ node }, index) => {
      replacements.set(node, { useInstead: results[index]!, ...(index === 0 && { nodes }) })
    })
  }
  return {
    program: rewrite({ ...program, inputs: [...program.inputs, ...joined.values()] }, replacements),
    stored: (name) => values.get(name) ?? stored(name),
  }
}

/** Groups of products, two or more each, that differ in nothing but their stored operands. */
function siblings(program: GraphProgram, stored: StoredValues): StoredProduct[][] {
  const uses = countUses(program)
  const groups = new Map<Value, Map<string, StoredProduct[]>>()
  for (const node of program.nodes) {
    const product = storedProduct(node, { uses, stored })
    if (product === undefined) continue
    const matrix = node.inputs[0]!
    const key = JSON.stringify([node.attributes, product.bias === undefined])
    const ofMatrix = groups.get(matrix) ?? new Map<string, StoredProduct[]>()
    groups.set(matrix, ofMatrix)
    ofMatrix.set(key, [...(ofMatrix.get(key) ?? []), product])
  }
  return [...groups.values()].flatMap((ofMatrix) => [...ofMatrix.values()].filter(({ length }) => length > 1))
}

/** A weight that something else takes too, such as tied embeddings, would have to be stored twice. */
function storedProduct(
  node: GraphNode,
  { uses, stored }: { uses: Uses; stored: StoredValues },
): StoredProduct | undefined {
  const [, weight, bias] = node.inputs
  const isOwn = (value: Value | undefined): value is InputValue =>
    value?.kind === 'input' && uses.count(value) === 1 && stored(value.name) !== undefined
  if (node.op !== 'Gemm' || node.attributes.transB !== 1 || uses.isOutput(node.outputs[0]!)) return undefined
  if (!isOwn(weight) || (bias !== undefined && !isOwn(bias))) return undefined
  return { node, weight, bias }
}

/** One input in the place of several, row after row. */
function joinedInput(parts: readonly InputValue[]): InputValue {
  const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0)
  const name = parts.map((part) => part.name).join('+')
  return { ...parts[0]!, name, shape: [rows, ...parts[0]!.shape.slice(1)] }
}

function joinedValues(parts: readonly InputValue[], stored: StoredValues): Float32Array {
  const values = new Float32Array(parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0))
  let end = 0
  for (const { name, shape } of parts) {
    values.set(stored(name)!, end)
    end += sizeOf(shape)
  }
  return values
}

/** Nodes that compute all products as one, and what each of them was. */
function mergedProduct(
  products: readonly StoredProduct[],
  operands: readonly InputValue[],
): { nodes: GraphNode[]; results: NodeValue[] } {
  const first = products[0]!.node
  const outputs = products.map(({ node }) => node.outputs[0]!)
  const product = createNode({
    op: 'Gemm',
    inputs: [first.inputs[0], ...operands],
    attributes: first.attributes,
    outputs: [{ ...outputs[0]!, ...widened(outputs[0]!, operands[0]!.shape[0]!) }],
  })
  const split = createNode({
    op: 'Split',
    inputs: product.outputs,
    attributes: { axis: 1 },
    sizes: { split: outputs.map(({ shape }) => shape[1]!) },
    outputs,
  })
  return { nodes: [product, split], results: [...split.outputs] }
}

/** The same rows, of another width. */
function widened({ shape, symbolicShape }: Value, width: number) {
  const rows: Size | undefined = symbolicShape?.[0]
  return { shape: [shape[0]!, width], ...(rows !== undefined && { symbolicShape: [rows, width] }) }
}
