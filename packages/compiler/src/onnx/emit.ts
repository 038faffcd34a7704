import { TraceError } from '@tfx/common'
import type { ConstantValue, GraphNode, InputValue, Value } from '../graph'
import { foldScales } from '../passes/fold-scales'
import { fuseBias } from '../passes/fuse-bias'
import { fuseNorms } from '../passes/fuse-norms'
import { mergeProducts } from '../passes/merge-products'
import { countUses } from '../passes/rewrite'
import { splitByToken } from '../passes/split-by-token'
import type { GraphProgram } from '../program'
import { describeSize } from '../symbolic'
import { OnnxBuilder } from './builder'
import { toHalfPrecision } from './half'
import { emitAfter, emitDone, type Named } from './order'
import { elementTypes, encodeModel, type ExternalData, type OnnxModel, type OnnxValueInfo } from './protobuf'
import { emitQuantizedProduct, type Quantization } from './quantize'
import { type AxisSources, SizeEmitter, unknownAxis } from './sizes'

/** Options of {@link toOnnx}. */
export interface OnnxOptions {
  /** Inputs to store in the file instead of feeding them: the trained weights. */
  weights?: (name: string) => Float32Array | undefined
  /** Inputs to be fed as another type than the traced one: Transformers.js feeds token ids as int64. */
  inputTypes?: Readonly<Record<string, 'int64'>>
  /** The name of an empty sequence to put before the outputs: see the onnx engine of `@tfx/backend`. Default none. */
  leadingSequence?: string
  /**
   * `float16`: weights and arithmetic in half precision, inputs and outputs in float32. `int8`: the weights of matrix
   * products as int8, their activations quantized on the fly. `int4`: those weights as 4-bit numbers by blocks of 32
   * (`MatMulNBits`), which every runtime has; `int8Blocks` as 8-bit ones, for onnxruntime on a CPU. Default `float32`.
   */
  precision?: 'float32' | 'float16' | Quantization
  /**
   * Make one node of several where onnxruntime can on a CPU: products of one matrix with stored weights, which lose their
   * names; sums and norms; pieces of a matrix. Default false.
   */
  mergeNodes?: boolean
  /** Where large weights go instead of into the file: needed beyond 2 GiB. Default: into the file. */
  external?: ExternalData | undefined
}

const opset = 20

/**
 * Writes a program as an ONNX model.
 *
 * @returns The bytes of a `.onnx` file. Inputs and outputs carry their names; symbolic axes appear as named dimensions.
 * @throws TraceError if a symbolic axis belongs to no input.
 */
export function toOnnx(
  program: GraphProgram,
  {
    weights,
    inputTypes = {},
    leadingSequence,
    precision = 'float32',
    external,
    ...options
  }: OnnxOptions = {},
): Uint8Array {
  const simplified = fuseBias(foldScales(program))
  const given = (name: string) => weights?.(name)
  const merged = options.mergeNodes ? mergeProducts(simplified, given) : undefined
  const { nodes, inputs, outputs } = merged ? splitByToken(fuseNorms(merged.program)) : simplified
  const stored = merged?.stored ?? given
  rejectSharedNames(program)
  const builder = new OnnxBuilder([...inputs, ...outputs].map(({ name }) => name))
  const names = new Map<Value, string>()
  const fed = inputs.filter(({ name }) => stored(name) === undefined)
  const sizes = new SizeEmitter(builder, axisSources(fed))

  for (const input of inputs) {
    const data = stored(input.name)
    const type = inputTypes[input.name]
    names.set(input, input.name)
    if (data) continue
    if (type) names.set(input, builder.emit('Cast', [input.name], { to: elementTypes[input.dtype] }))
  }

  const nameOf = (value: Value | undefined): string => {
    if (value === undefined) return ''
    if (value.kind === 'constant') return constantName(value)
    return names.get(value)!
  }
  const constantName = (value: ConstantValue): string => {
    const { symbolicSplat, splat, data, dtype, shape } = value
    if (symbolicSplat) return sizes.number(symbolicSplat, dtype)
    if (splat !== undefined) return builder.constant(splat, { dtype, shape })
    const known = names.get(value)
    if (known !== undefined) return known
    const name = builder.initializer({ dtype, shape, data: data as Float32Array })
    names.set(value, name)
    return name
  }

  const uses = countUses({ nodes, outputs })
  const outputNames = new Map<Value, string>()
  for (const { name, value } of outputs) {
    if (value.kind === 'node' && !outputNames.has(value)) outputNames.set(value, name)
  }

  const intermediates: OnnxValueInfo[] = []
  const quantization = precision === 'float32' || precision === 'float16' ? undefined : precision
  const quantized = new Set<string>()
  for (const node of nodes) {
    for (const output of node.outputs) {
      // onnxruntime crashes on a Split that lacks a piece, and on a node without its first output; elsewhere what is not
      // used need not be computed.
      const isWanted = uses.count(output) > 0 || node.op === 'Split' || output === node.outputs[0]
      const name = isWanted ? (outputNames.get(output) ?? builder.freshName()) : ''
      names.set(output, name)
      if (isWanted && !outputNames.has(output)) intermediates.push(valueInfo(name, output))
    }
    if (
      quantization &&
      emitQuantizedProduct(quantization, { node, builder, nameOf, weights: stored, quantized })
    )
      continue
    emitNode(node, { builder, sizes, nameOf })
  }
  for (const { name, value } of outputs) {
    if (outputNames.get(value) === name) continue
    builder.nodes.push({
      op: 'Identity',
      domain: '',
      inputs: [nameOf(value)],
      outputs: [name],
      attributes: {},
    })
  }
  const referenced = new Set(builder.nodes.flatMap((node) => node.inputs))
  for (const { name, dtype, shape } of inputs) {
    const data = stored(name)
    if (data && referenced.has(name)) builder.initializer({ name, dtype, shape, data })
  }
  const leading: OnnxValueInfo[] = []
  if (leadingSequence !== undefined) {
    const node = { op: 'SequenceEmpty', domain: '', inputs: [], outputs: [leadingSequence], attributes: {} }
    builder.nodes.push(node)
    leading.push({ name: leadingSequence, dtype: 'float32', shape: [], isSequence: true })
  }
  const model: OnnxModel = {
    producer: 'tfx',
    opset,
    nodes: builder.nodes,
    initializers: builder.initializers,
    inputs: fed.map((input) => ({
      ...valueInfo(input.name, input),
      dtype: inputTypes[input.name] ?? input.dtype,
    })),
    outputs: [...leading, ...outputs.map(({ name, value }) => valueInfo(name, value))],
    intermediates,
  }
  return encodeModel(precision === 'float16' ? toHalfPrecision(model) : model, external)
}

interface EmitContext {
  builder: OnnxBuilder
  sizes: SizeEmitter
  nameOf: (value: Value | undefined) => string
}

/** The size lists that each op takes as inputs, in ONNX's order. */
const sizeInputs: Readonly<Record<string, readonly string[]>> = {
  Expand: ['shape'],
  Slice: ['starts', 'ends', 'axes', 'steps'],
  Split: ['split'],
  Tile: ['repeats'],
  ReduceSum: ['axes'],
  ReduceMean: ['axes'],
  ReduceMax: ['axes'],
  ReduceMin: ['axes'],
  ReduceProd: ['axes'],
}

function emitNode(node: GraphNode, { builder, sizes, nameOf }: EmitContext): void {
  const inputs = node.inputs.map(nameOf)
  if (node.op === 'Done' || node.op === 'After') {
    const values = node.inputs.map((value, index) => ({ value: value!, name: inputs[index]! }))
    const emit = node.op === 'Done' ? emitDone : emitAfter
    emit(builder, values as [Named, Named], nameOf(node.outputs[0]))
    return
  }
  const size = (name: string) => node.sizes[name]!
  const [source] = node.inputs
  let allowZero = false
  if (node.op === 'Reshape') {
    const operand = sizes.reshape(size('shape'), source?.symbolicShape ?? source?.shape ?? [])
    inputs.push(operand.shape)
    allowZero = operand.allowZero
  } else if (node.op === 'Pad') inputs.splice(1, 0, sizes.vector(size('pads')))
  else if (node.op === 'CumSum') inputs.push(sizes.scalar(size('axis')[0]!))
  else if (node.op === 'Range')
    for (const name of ['start', 'limit', 'delta']) inputs.push(sizes.scalar(size(name)[0]!))
  else {
    const lists = (sizeInputs[node.op] ?? []).filter((name) => node.sizes[name])
    inputs.push(...lists.map((name) => sizes.vector(size(name))))
  }
  const to = node.op === 'Cast' ? { to: elementTypes[node.attributes.to as keyof typeof elementTypes] } : {}
  const attributes = { ...node.attributes, ...to, ...(allowZero && { allowzero: 1 }) }
  const outputs = node.outputs.map(nameOf)
  builder.nodes.push({ op: node.op, domain: node.domain, inputs, outputs, attributes })
}

function valueInfo(name: string, { dtype, shape, symbolicShape }: Value): OnnxValueInfo {
  return {
    name,
    dtype,
    shape: (symbolicShape ?? shape).map((size) => (typeof size === 'number' ? size : describeSize(size))),
  }
}

/** ONNX keeps inputs and outputs in one namespace. */
function rejectSharedNames({ inputs, outputs }: GraphProgram): void {
  const taken = new Set(inputs.map(({ name }) => name))
  const shared = outputs.find(({ name }) => taken.has(name))
  if (!shared) return
  throw new TraceError({
    function: 'toOnnx',
    argument: 'outputs',
    expected: 'named unlike every input',
    received: `an output '${shared.name}' beside an input of that name`,
    remedy: 'Rename the output.',
  })
}

/** Finds an input axis for every symbolic axis. */
function axisSources(inputs: readonly InputValue[]): AxisSources {
  const sources = new Map<string, { input: string; axis: number }>()
  const mentioned = new Set<string>()
  for (const { name, symbolicShape = [] } of inputs) {
    symbolicShape.forEach((size, axis) => {
      if (typeof size === 'number') return
      const names = Object.keys(size.powers)
      for (const symbol of names) mentioned.add(symbol)
      const isPlain = names.length === 1 && describeSize(size) === names[0]
      if (isPlain && !sources.has(names[0]!)) sources.set(names[0]!, { input: name, axis })
    })
  }
  const missing = [...mentioned].find((symbol) => !sources.has(symbol))
  if (missing === undefined) return sources
  throw unknownAxis(missing)
}
