import type { GraphNode, Value } from '../graph'
import type { OnnxBuilder } from './builder'

/** A matrix stored as int8 with one scale for each column. */
export interface QuantizedMatrix {
  /** int8 [inner, columns] */
  values: Int8Array
  /** float32 [columns]: the real value is `values × scale`. */
  scales: Float32Array
}

/**
 * Symmetric int8 quantization, one scale for each output column. The range is ±63: x86 without
 * VNNI adds pairs of uint8 × int8 products in 16 bits, which ±127 would saturate
 * (onnxruntime's `reduce_range`).
 *
 * @param matrix Row-major [inner, columns], or [columns, inner] if `transposed`.
 */
export function quantizeMatrix(
  matrix: Float32Array,
  { inner, columns, transposed }: { inner: number; columns: number; transposed: boolean },
): QuantizedMatrix {
  const limit = 63
  const values = new Int8Array(inner * columns)
  const scales = new Float32Array(columns)
  const at = (row: number, column: number) =>
    matrix[transposed ? column * inner + row : row * columns + column]!
  for (let column = 0; column < columns; column++) {
    let largest = 0
    for (let row = 0; row < inner; row++) largest = Math.max(largest, Math.abs(at(row, column)))
    const scale = largest === 0 ? 1 : largest / limit
    scales[column] = scale
    for (let row = 0; row < inner; row++) values[row * columns + column] = Math.round(at(row, column) / scale)
  }
  return { values, scales }
}

interface QuantizedProduct {
  node: GraphNode
  builder: OnnxBuilder
  nameOf: (value: Value | undefined) => string
  weights: (name: string) => Float32Array | undefined
  /** Weights whose int8 form is in the file already. */
  quantized: Set<string>
}

/**
 * Emits a product with a stored weight in the form that onnxruntime's dynamic quantization writes
 * and every runtime runs: DynamicQuantizeLinear → MatMulInteger → scale (→ bias).
 *
 * @returns False if the node is not such a product; nothing has been emitted then.
 */
export function emitQuantizedProduct({
  node,
  builder,
  nameOf,
  weights,
  quantized,
}: QuantizedProduct): boolean {
  if (node.op !== 'Gemm' && node.op !== 'MatMul') return false
  const [activation, weight, bias] = node.inputs
  const isPlain = !node.attributes.transA && !node.attributes.alpha
  if (!isPlain || weight?.kind !== 'input' || weight.shape.length !== 2) return false
  const matrix = weights(weight.name)
  if (!matrix) return false
  const transposed = node.attributes.transB === 1
  const [rows, width] = weight.shape as [number, number]
  const [inner, columns] = transposed ? [width, rows] : [rows, width]
  const suffix = transposed ? 'transposed_quantized' : 'quantized'
  const names = { values: `${weight.name}_${suffix}`, scales: `${weight.name}_${suffix}_scale` }
  if (!quantized.has(names.values)) {
    quantized.add(names.values)
    const { values, scales } = quantizeMatrix(matrix, { inner, columns, transposed })
    builder.initializer({ name: names.values, dtype: 'int8', shape: [inner, columns], data: values })
    builder.initializer({ name: names.scales, dtype: 'float32', shape: [columns], data: scales })
  }
  const [input, scale, zeroPoint] = [builder.freshName(), builder.freshName(), builder.freshName()]
  const quantize = { op: 'DynamicQuantizeLinear', domain: '', attributes: {} }
  builder.nodes.push({ ...quantize, inputs: [nameOf(activation)], outputs: [input, scale, zeroPoint] })
  const product = builder.emit('MatMulInteger', [input, names.values, zeroPoint])
  const scaled = builder.emit('Mul', [
    builder.emit('Cast', [product], { to: 1 }),
    builder.emit('Mul', [names.scales, scale]),
  ])
  const last = bias ? { op: 'Add', inputs: [scaled, nameOf(bias)] } : { op: 'Identity', inputs: [scaled] }
  builder.nodes.push({ ...last, domain: '', outputs: [nameOf(node.outputs[0])], attributes: {} })
  return true
}
