/**
 * Token embeddings distilled from a teacher in closed form: the teacher's sentence embedding of each token's
 * own string, reduced to the student's size by principal components.
 */
import { createRandom } from '@tfx/common'

/** Standard deviation of the result. BERT draws its weights with 0.02; words that mean something may stand out. */
const DEVIATION = 0.05
const ROUNDS = 30

/**
 * @param {Float32Array} embeddings [count, from], row-major
 * @param {{ count: number, from: number, to: number, seed: number }} sizes
 * @returns {Float32Array} [count, to]
 */
export function reduceEmbeddings(embeddings, { count, from, to, seed }) {
  const random = createRandom(seed)
  const centered = centerColumns(embeddings, count, from)
  const covariance = multiplyTransposed(centered, count, from)
  const gaussian = (rows, columns) => Float64Array.from({ length: rows * columns }, () => random.normal())
  let directions = orthonormalize(gaussian(from, to), from, to)
  for (let round = 0; round < ROUNDS; round++) {
    directions = orthonormalize(multiply(covariance, directions, [from, from, to]), from, to)
  }
  // A random rotation spreads the leading components over all coordinates.
  const rotation = orthonormalize(gaussian(to, to), to, to)
  const projection = multiply(directions, rotation, [from, to, to])
  const reduced = multiply(centered, projection, [count, from, to])
  const deviation = Math.sqrt(reduced.reduce((sum, value) => sum + value * value, 0) / reduced.length)
  return Float32Array.from(reduced, (value) => (value / deviation) * DEVIATION)
}

function centerColumns(matrix, rows, columns) {
  const centered = Float64Array.from(matrix)
  for (let column = 0; column < columns; column++) {
    let mean = 0
    for (let row = 0; row < rows; row++) mean += centered[row * columns + column] / rows
    for (let row = 0; row < rows; row++) centered[row * columns + column] -= mean
  }
  return centered
}

/** matrixᵀ · matrix, [columns, columns] */
function multiplyTransposed(matrix, rows, columns) {
  const result = new Float64Array(columns * columns)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) {
      const value = matrix[row * columns + i]
      for (let j = 0; j < columns; j++) result[i * columns + j] += value * matrix[row * columns + j]
    }
  }
  return result
}

function multiply(a, b, [rows, inner, columns]) {
  const result = new Float64Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const value = a[row * inner + k]
      for (let column = 0; column < columns; column++)
        result[row * columns + column] += value * b[k * columns + column]
    }
  }
  return result
}

/** Columns made orthonormal one after the other (modified Gram-Schmidt), in place. */
function orthonormalize(matrix, rows, columns) {
  const dot = (a, b) => {
    let sum = 0
    for (let row = 0; row < rows; row++) sum += matrix[row * columns + a] * matrix[row * columns + b]
    return sum
  }
  for (let column = 0; column < columns; column++) {
    for (let earlier = 0; earlier < column; earlier++) {
      const overlap = dot(column, earlier)
      for (let row = 0; row < rows; row++)
        matrix[row * columns + column] -= overlap * matrix[row * columns + earlier]
    }
    const length = Math.sqrt(dot(column, column))
    for (let row = 0; row < rows; row++) matrix[row * columns + column] /= length
  }
  return matrix
}
