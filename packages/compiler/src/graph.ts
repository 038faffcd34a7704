import { type DataType, type DataTypeArrays, sizeOf } from '@tfx/common'
import type { SymbolicScalar, SymbolicSize } from './symbolic'

/** A size in a node's attributes: known, or an expression over symbolic axes. */
export type Size = number | SymbolicSize

/** Element types inside a graph: those of tensors, int64, which ONNX wants for some indices, and narrow ones. */
export type ElementType = DataType | 'int64' | NarrowType

/** Types that hold a float32 number in fewer bits: what weights can be fed as that are not trained. */
export type NarrowType = 'float16' | 'int8'

/** Element types of constants: tracing makes no narrow values. */
export type ConstantType = Exclude<ElementType, NarrowType>

interface ValueBase {
  readonly id: number
  /** The shape at the sizes that were traced. */
  readonly shape: readonly number[]
  /** The shape over symbolic axes, once traces were unified. */
  readonly symbolicShape?: readonly Size[]
  readonly dtype: ElementType
}

/** A value that is fed from outside. */
export interface InputValue extends ValueBase {
  readonly kind: 'input'
  readonly name: string
  /** Set for what whoever runs the graph draws anew in every run. */
  readonly random?: RandomNumbers
}

/** A dropout mask, 0 with the probability `rate` and 1/(1 - rate) otherwise; or numbers uniform in (-1, 1). */
export type RandomNumbers = { readonly kind: 'mask'; readonly rate: number } | { readonly kind: 'uniform' }

/** A value known while tracing; `splat` means that every element is the same number. */
export interface ConstantValue extends ValueBase {
  readonly kind: 'constant'
  readonly dtype: ConstantType
  readonly splat?: number
  /** What `splat` is over symbolic axes, once traces were unified. */
  readonly symbolicSplat?: SymbolicScalar | SymbolicSize
  readonly data?: DataTypeArrays[DataType]
}

/** One output of a node. */
export interface NodeValue extends ValueBase {
  readonly kind: 'node'
  readonly node: GraphNode
}

/** What nodes compute with. */
export type Value = InputValue | ConstantValue | NodeValue

/** A value that stands for its broadcast to a larger shape; kept lazy, since most uses broadcast anyway. */
export interface BroadcastValue {
  readonly kind: 'broadcast'
  readonly source: Value
  readonly shape: readonly number[]
  readonly dtype: ElementType
}

/** A tensor that is zero but for some rows, to be added up where ids repeat: the gradient of an embedding. */
export interface SparseValue {
  readonly kind: 'sparse'
  /** int32 [rows] */
  readonly ids: Value
  /** [rows, ...shape.slice(1)] */
  readonly rows: Value
  readonly shape: readonly number[]
  readonly dtype: ElementType
}

/** What a traced tensor stands for. */
export type Traced = Value | BroadcastValue | SparseValue

export type AttributeValue = number | string | readonly number[] | { readonly float: number }

/** One operation. */
export interface GraphNode {
  readonly op: string
  readonly domain: '' | 'com.microsoft'
  readonly inputs: readonly (Value | undefined)[]
  /** ONNX attributes. */
  readonly attributes: Readonly<Record<string, AttributeValue>>
  /** Lists of sizes (shapes, starts, axes, …) that ONNX takes as inputs; unification may make them symbolic. */
  readonly sizes: Readonly<Record<string, readonly Size[]>>
  readonly outputs: readonly NodeValue[]
}

/** How to add a node. */
export interface NodeSpec {
  op: string
  domain?: GraphNode['domain']
  inputs: readonly (Value | undefined)[]
  attributes?: GraphNode['attributes']
  sizes?: GraphNode['sizes']
  outputs: readonly { shape: readonly number[]; dtype: ElementType }[]
}

const roundTo: Record<ConstantType, (value: number) => number> = {
  float32: Math.fround,
  int32: (value) => value | 0,
  int64: Math.trunc,
  bool: (value) => Number(value !== 0),
}

/** A recorded computation: nodes in topological order. */
export class Graph {
  readonly nodes: GraphNode[] = []
  readonly inputs: InputValue[] = []
  private readonly known = new Map<string, GraphNode>()
  private nextId = 0

  input(spec: Omit<InputValue, 'id' | 'kind'>): InputValue {
    const value: InputValue = { id: this.nextId++, kind: 'input', ...spec }
    this.inputs.push(value)
    return value
  }

  /** A constant whose elements are all `number`, rounded to what the type can hold. */
  splat(number: number, shape: readonly number[], dtype: ElementType): ConstantValue {
    const type = dtype as ConstantType
    return { id: this.nextId++, kind: 'constant', splat: roundTo[type](number), shape, dtype: type }
  }

  /** A constant from an array; recognises arrays of one repeated number. */
  constant(data: DataTypeArrays[DataType], shape: readonly number[], dtype: ElementType): ConstantValue {
    const first = data[0]
    if (first !== undefined && data.every((element) => Object.is(element, first)))
      return this.splat(first, shape, dtype)
    return { id: this.nextId++, kind: 'constant', data, shape, dtype: dtype as ConstantType }
  }

  /** Adds a node, or returns the outputs of an equal one that is there already. */
  node({ op, domain = '', inputs, attributes = {}, sizes = {}, outputs }: NodeSpec): readonly NodeValue[] {
    const key = JSON.stringify([op, domain, inputs.map(identity), attributes, sizes, outputs])
    const existing = this.known.get(key)
    if (existing) return existing.outputs
    const values: NodeValue[] = []
    const node: GraphNode = { op, domain, inputs, attributes, sizes, outputs: values }
    for (const output of outputs) values.push({ id: this.nextId++, kind: 'node', node, ...output })
    this.nodes.push(node)
    this.known.set(key, node)
    return values
  }

  /** Adds a node with one output. */
  single(spec: Omit<NodeSpec, 'outputs'> & { shape: readonly number[]; dtype: ElementType }): NodeValue {
    const { shape, dtype, ...rest } = spec
    return this.node({ ...rest, outputs: [{ shape, dtype }] })[0]!
  }
}

/** Two uses of equal constants count as one; other values by their identity. */
function identity(value: Value | undefined): string {
  if (value === undefined) return '-'
  if (isSplat(value) && value.symbolicSplat === undefined) {
    return `${Object.is(value.splat, -0) ? '-0' : value.splat}:${value.dtype}:${value.shape.join()}`
  }
  return String(value.id)
}

/** True for a constant of one repeated number, and of that very number if `splat` is given. */
export function isSplat(value: Traced, splat?: number): value is ConstantValue & { splat: number } {
  return (
    value.kind === 'constant' && value.splat !== undefined && (splat === undefined || value.splat === splat)
  )
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis])
}

/** The node that computes a value, if it is of the given operation. */
export function producedBy(value: Traced, op: string): GraphNode | undefined {
  return value.kind === 'node' && value.node.op === op ? value.node : undefined
}

export function elementCount(value: Traced): number {
  return sizeOf(value.shape)
}

/** The nodes that outputs depend on, in order. */
export function liveNodes(graph: Pick<Graph, 'nodes'>, outputs: readonly Value[]): GraphNode[] {
  const live = new Set<GraphNode>()
  const pending = outputs.flatMap((value) => (value.kind === 'node' ? [value.node] : []))
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (live.has(node)) continue
    live.add(node)
    for (const input of node.inputs) if (input?.kind === 'node') pending.push(input.node)
  }
  return graph.nodes.filter((node) => live.has(node))
}
