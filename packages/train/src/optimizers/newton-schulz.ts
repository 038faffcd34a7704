import { tf } from '@tfx/compiler'
import { type Kernels, kernelsOf } from '../kernels'

/** The quintic a x + b x³ + c x⁵ of each iteration. */
export type Coefficients = readonly [number, number, number]

/** How singular values are brought to 1. */
export interface NewtonSchulzOptions {
  readonly coefficients: Coefficients
  readonly iterations: number
  readonly epsilon: number
}

/** Brings the singular values of a matrix near 1, on any tfjs backend. */
export function newtonSchulz(
  matrix: tf.Tensor2D,
  { coefficients: [a, b, c], iterations, epsilon }: NewtonSchulzOptions,
): tf.Tensor2D {
  const isTall = matrix.shape[0] > matrix.shape[1]
  const wide = isTall ? tf.transpose(matrix) : matrix
  let x: tf.Tensor2D = tf.div(wide, tf.maximum(tf.norm(wide), epsilon))
  for (let i = 0; i < iterations; i++) {
    const gram: tf.Tensor2D = tf.matMul(x, x, false, true)
    const update: tf.Tensor2D = tf.add(tf.mul(gram, b), tf.mul(tf.matMul(gram, gram), c))
    x = tf.add(tf.mul(x, a), tf.matMul(update, x))
  }
  return isTall ? tf.transpose(x) : x
}

/** Matrices are padded to whole tiles of the product's kernel; zeros stay zeros. */
const tile = 8
const padded = (size: number) => Math.ceil(size / tile) * tile

let scratch: WebAssembly.Memory | undefined

/** The same in WebAssembly: overwrites a row-major matrix of the given size. */
export function newtonSchulzInPlace(
  matrix: Float32Array,
  [rows, columns]: readonly [number, number],
  options: NewtonSchulzOptions,
): void {
  const isTall = rows > columns
  const [height, width] = isTall ? [columns, rows] : [rows, columns]
  const size: Size = [padded(height), padded(width)]
  const { memory, kernels, places } = prepare(size)
  const x = new Float32Array(memory.buffer, places.x, size[0] * size[1])
  x.fill(0)
  const at = (row: number, column: number) => (isTall ? column * size[1] + row : row * size[1] + column)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) x[at(row, column)] = matrix[row * columns + column]!
  }
  iterate(kernels, { places, size }, options)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) matrix[row * columns + column] = x[at(row, column)]!
  }
}

type Size = readonly [number, number]
type Places = Readonly<Record<'x' | 'transposed' | 'next' | 'gram' | 'update', number>>

function iterate(
  kernels: Kernels,
  { places, size: [rows, columns] }: { places: Places; size: Size },
  { coefficients: [a, b, c], iterations, epsilon }: NewtonSchulzOptions,
): void {
  const { x, transposed, next, gram, update } = places
  const [length, square] = [rows * columns, rows * rows]
  const norm = Math.max(Math.sqrt(kernels.sumOfSquares(x, length)), epsilon)
  kernels.setScaled(x, x, length, 1 / norm)
  for (let i = 0; i < iterations; i++) {
    kernels.transpose(transposed, x, rows, columns)
    kernels.setScaled(gram, gram, square, 0)
    kernels.addMatMul(gram, x, transposed, rows, columns, rows, 1)
    kernels.setScaled(update, gram, square, b)
    kernels.addMatMul(update, gram, gram, rows, rows, rows, c)
    kernels.setScaled(next, x, length, a)
    kernels.addMatMul(next, update, x, rows, rows, columns, 1)
    kernels.setScaled(x, next, length, 1)
  }
}

/** A memory of its own: that of a store must not move while an engine reads it. Kept for the next matrix. */
function prepare([rows, columns]: Size): { memory: WebAssembly.Memory; kernels: Kernels; places: Places } {
  const bytes = 4 * rows * columns
  const gramBytes = 4 * rows * rows
  const pages = Math.ceil((64 + 3 * bytes + 2 * gramBytes) / 65536)
  if (scratch === undefined || scratch.buffer.byteLength < pages * 65536) {
    scratch = new WebAssembly.Memory({ initial: pages })
  }
  const x = 64
  const [transposed, next, gram] = [x + bytes, x + 2 * bytes, x + 3 * bytes]
  const places = { x, transposed, next, gram, update: gram + gramBytes }
  return { memory: scratch, kernels: kernelsOf(scratch), places }
}
