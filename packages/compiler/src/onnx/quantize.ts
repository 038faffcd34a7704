import type { GraphNode, Value } from '../graph'
import type { OnnxBuilder } from './builder'

/** A matrix stored as int8 with one scale for each column. */
export interface QuantizedMatrix {
  /** int8 [inner, columns] */
  values: Int8Array
  /** float32 [columns]: the real value is `values × scale`. */
  scales: Float32Array
}

interface MatrixLayout {
  inner: number
  columns: number
  /** Whether the matrix is stored as [columns, inner]. */
  transposed: boolean
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
  { inner, columns, transposed }: MatrixLayout,
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

/** A matrix stored as numbers of few bits in blocks of 32 along the inner axis, each with a scale. */
export interface BlockQuantizedMatrix {
  /**
   * uint8 [columns, blocks, bytes of a block]. Of 4 bits: element 2i of a block in the low half of byte i, element 2i + 1 in
   * the high half.
   */
  values: Uint8Array
  /** float32 [columns, blocks]: the real value is `(value − 8) × scale`, of 8 bits `(value − 128) × scale`. */
  scales: Float32Array
}

const blockSize = 32

/**
 * Symmetric quantization by blocks, as onnxruntime's `MatMulNBits` reads it. The largest number of a block becomes the
 * lowest level exactly, so that all levels are used.
 *
 * @param matrix Row-major [inner, columns], or [columns, inner] if `transposed`.
 */
export function quantizeBlocks(
  matrix: Float32Array,
  { inner, columns, transposed, bits = 4 }: MatrixLayout & { bits?: 4 | 8 },
): BlockQuantizedMatrix {
  const blocks = Math.ceil(inner / blockSize)
  const zero = 2 ** (bits - 1)
  const perByte = 8 / bits
  // Beyond the matrix stands zero.
  const values = new Uint8Array((columns * blocks * blockSize) / perByte).fill(bits === 4 ? 0x88 : zero)
  const scales = new Float32Array(columns * blocks)
  const at = (row: number, column: number) =>
    matrix[transposed ? column * inner + row : row * columns + column]!
  for (let column = 0; column < columns; column++) {
    for (let block = 0; block < blocks; block++) {
      const first = block * blockSize
      const end = Math.min(first + blockSize, inner)
      let largest = 0
      for (let row = first; row < end; row++) {
        if (Math.abs(at(row, column)) > Math.abs(largest)) largest = at(row, column)
      }
      const index = column * blocks + block
      const scale = largest === 0 ? 1 : largest / -zero
      scales[index] = scale
      for (let row = first; row < end; row++) {
        const level = Math.min(2 * zero - 1, Math.max(0, Math.round(at(row, column) / scale) + zero))
        const place = index * blockSize + (row - first)
        if (bits === 8) values[place] = level
        else {
          const shift = place % 2 === 0 ? 0 : 4
          values[place >> 1] = (values[place >> 1]! & (0xf0 >> shift)) | (level << shift)
        }
      }
    }
  }
  return { values, scales }
}

interface QuantizedProduct {
  node: GraphNode
  builder: OnnxBuilder
  nameOf: (value: Value | undefined) => string
  weights: (name: string) => Float32Array | undefined
  /** Weights whose quantized form is in the file already. */
  quantized: Set<string>
}

/** A product with a stored weight, ready to be emitted another way. */
interface StoredProduct extends MatrixLayout {
  activation: string
  matrix: Float32Array
  /** What the names of the quantized weight start with. */
  name: string
}

/** How the product of a quantized weight is emitted; returns the name of the result, bias apart. */
type EmitProduct = (product: StoredProduct, given: QuantizedProduct) => string

/** The form that onnxruntime's dynamic quantization writes and every runtime runs. */
const emitInt8: EmitProduct = ({ activation, matrix, name, ...layout }, { builder, quantized }) => {
  const names = { values: name, scales: `${name}_scale` }
  if (!quantized.has(name)) {
    const { values, scales } = quantizeMatrix(matrix, layout)
    const { inner, columns } = layout
    builder.initializer({ name: names.values, dtype: 'int8', shape: [inner, columns], data: values })
    builder.initializer({ name: names.scales, dtype: 'float32', shape: [columns], data: scales })
  }
  const [input, scale, zeroPoint] = [builder.freshName(), builder.freshName(), builder.freshName()]
  const quantize = { op: 'DynamicQuantizeLinear', domain: '', attributes: {} } as const
  builder.nodes.push({ ...quantize, inputs: [activation], outputs: [input, scale, zeroPoint] })
  const product = builder.emit('MatMulInteger', [input, names.values, zeroPoint])
  const scales = builder.emit('Mul', [names.scales, scale])
  return builder.emit('Mul', [builder.emit('Cast', [product], { to: 1 }), scales])
}

/** onnxruntime's `MatMulNBits`. */
const emitBlocks =
  (bits: 4 | 8): EmitProduct =>
  ({ activation, matrix, name, ...layout }, { builder, quantized }) => {
    const names = { values: name, scales: `${name}_scales` }
    const { inner, columns } = layout
    const blocks = Math.ceil(inner / blockSize)
    if (!quantized.has(name)) {
      const { values, scales } = quantizeBlocks(matrix, { ...layout, bits })
      const shape = [columns, blocks, (blockSize * bits) / 8]
      builder.initializer({ name: names.values, dtype: 'uint8', shape, data: values })
      builder.initializer({ name: names.scales, dtype: 'float32', shape: [columns * blocks], data: scales })
    }
    const output = builder.freshName()
    builder.nodes.push({
      op: 'MatMulNBits',
      domain: 'com.microsoft',
      inputs: [activation, names.values, names.scales],
      outputs: [output],
      // Level 4 rounds activations to 8 bits by blocks, too: half as long again without it, for a hundredth of the loss.
      attributes: { K: inner, N: columns, bits, block_size: blockSize, accuracy_level: 4 },
    })
    return output
  }

/** `int8Blocks` is nearer to the real numbers than `int8`, but runs in few places. */
const forms = { int8: emitInt8, int8Blocks: emitBlocks(8), int4: emitBlocks(4) }

/** How weights of products can be stored. */
export type Quantization = keyof typeof forms

/**
 * Emits a product with a stored weight in a quantized form (→ bias).
 *
 * @returns False if the node is not such a product; nothing has been emitted then.
 */
export function emitQuantizedProduct(form: Quantization, given: QuantizedProduct): boolean {
  const { node, builder, nameOf, weights, quantized } = given
  if (node.op !== 'Gemm' && node.op !== 'MatMul') return false
  const [activation, weight, bias] = node.inputs
  const isPlain = !node.attributes.transA && !node.attributes.alpha
  if (!isPlain || weight?.kind !== 'input' || weight.shape.length !== 2) return false
  const matrix = weights(weight.name)
  if (!matrix) return false
  const transposed = node.attributes.transB === 1
  const [rows, width] = weight.shape as [number, number]
  const [inner, columns] = transposed ? [width, rows] : [rows, width]
  const name = `${weight.name}_${transposed ? 'transposed_quantized' : 'quantized'}`
  const product = { activation: nameOf(activation), matrix, name, inner, columns, transposed }
  const result = forms[form](product, given)
  quantized.add(name)
  const last = bias ? { op: 'Add', inputs: [result, nameOf(bias)] } : { op: 'Identity', inputs: [result] }
  builder.nodes.push({ ...last, domain: '', outputs: [nameOf(node.outputs[0])], attributes: {} })
  return true
}
