import { type Evaluated, minimize } from './lbfgs'

/** Vectors with their classes. */
export interface ClassifiedVectors {
  /** Row-major [examples, size]. */
  readonly vectors: Float32Array
  /** The class index of each example. */
  readonly classes: readonly number[]
  readonly numClasses: number
}

/** A linear classifier: the classes' scores of a vector x are weight · x + bias. */
export interface LinearClassifier {
  /** Row-major [classes, size]. */
  readonly weight: Float32Array
  /** [classes] */
  readonly bias: Float32Array
}

/**
 * Logistic regression: scikit-learn's `LogisticRegression(C)`, probabilities equal. The least sum of negative log
 * likelihoods plus ‖weights‖² / 2C; the bias costs nothing. Two classes have one vector of weights, as there: their
 * scores are its opposites' halves.
 *
 * @param strength C: the smaller, the smaller the weights. Default 1.
 */
export function logisticRegression(data: ClassifiedVectors, strength = 1): LinearClassifier {
  const { vectors, classes, numClasses } = data
  const size = vectors.length / classes.length
  // Of two opposite vectors ±v/2 each costs ‖v‖²/4, together half of what v does.
  const penalty = (numClasses === 2 ? 2 : 1) / strength
  const width = size + 1
  const evaluate = (point: Float64Array) => regularizedLoss(point, { ...data, size, penalty })
  const found = minimize(evaluate, new Float64Array(numClasses * width))
  const rows = Array.from({ length: numClasses }, (_, label) =>
    found.subarray(label * width, (label + 1) * width),
  )
  return {
    weight: Float32Array.from(rows.flatMap((row) => [...row.subarray(0, size)])),
    bias: Float32Array.from(rows, (row) => row[size]!),
  }
}

/** The loss at a point, whose rows are a class's weights and its bias: [classes, size + 1]. */
function regularizedLoss(
  point: Float64Array,
  { vectors, classes, numClasses, size, penalty }: ClassifiedVectors & { size: number; penalty: number },
): Evaluated {
  const width = size + 1
  const gradient = new Float64Array(point.length)
  let value = 0
  classes.forEach((reference, example) => {
    const vector = vectors.subarray(example * size, (example + 1) * size)
    const scores = Array.from({ length: numClasses }, (_, label) => {
      let score = point[label * width + size]!
      for (let index = 0; index < size; index++) score += point[label * width + index]! * vector[index]!
      return score
    })
    const largest = Math.max(...scores)
    const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0)
    value += largest + Math.log(total) - scores[reference]!
    scores.forEach((score, label) => {
      const excess = Math.exp(score - largest) / total - Number(label === reference)
      for (let index = 0; index < size; index++) gradient[label * width + index]! += excess * vector[index]!
      gradient[label * width + size]! += excess
    })
  })
  for (let label = 0; label < numClasses; label++) {
    for (let index = label * width; index < label * width + size; index++) {
      value += (penalty / 2) * point[index]! ** 2
      gradient[index]! += penalty * point[index]!
    }
  }
  return { value, gradient }
}
