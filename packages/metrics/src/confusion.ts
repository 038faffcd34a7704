import { ArgumentError, DataError } from '@tfx/common'
import type { LabelCounts, Marginals } from './label-counts'

/**
 * Counts of (reference, prediction) pairs. Every metric of this package that needs no probabilities is
 * a function of it, so that an evaluation adds batch after batch and never holds all predictions.
 */
export interface Confusion {
  /** The number of classes, present in the data or not. */
  readonly numLabels: number
  /** The number of examples added so far. */
  readonly total: number
  /** How many examples of class `reference` were predicted to be class `prediction`. */
  count(reference: number, prediction: number): number
  /**
   * Adds examples.
   *
   * @param references The true class indices, each in [0, numLabels).
   * @param predictions The predicted class indices, in the same order.
   * @throws ArgumentError on different lengths, or on an index that is no class; nothing is added then.
   */
  add(references: ArrayLike<number>, predictions: ArrayLike<number>): void
  /** The counts as [reference][prediction], the layout of scikit-learn's `confusion_matrix`. */
  matrix(): number[][]
}

/**
 * An empty confusion matrix to add to.
 *
 * @param numLabels The number of classes, at least 2.
 * @throws ArgumentError if `numLabels` is not an integer of at least 2.
 *
 * @example
 * ```ts
 * const confusion = createConfusion(2)
 * confusion.add([0, 1, 1], [0, 1, 0])
 * accuracy(confusion) // 0.666…
 * ```
 */
export function createConfusion(numLabels: number): Confusion {
  if (!Number.isInteger(numLabels) || numLabels < 2) {
    throw new ArgumentError({
      function: 'createConfusion',
      argument: 'numLabels',
      expected: 'an integer of at least 2',
      received: String(numLabels),
      remedy: 'Pass the number of classes of the classifier.',
    })
  }
  // Row-major [reference, prediction]; float64 counts are exact up to 2^53 examples.
  const counts = new Float64Array(numLabels * numLabels)
  let total = 0
  return {
    numLabels,
    get total() {
      return total
    },
    count(reference, prediction) {
      checkIndex(reference, { argument: 'reference', numLabels, caller: 'count' })
      checkIndex(prediction, { argument: 'prediction', numLabels, caller: 'count' })
      return counts[reference * numLabels + prediction] ?? 0
    },
    add(references, predictions) {
      checkPairs(references, predictions, numLabels)
      for (let index = 0; index < references.length; index++) {
        const cell = Number(references[index]) * numLabels + Number(predictions[index])
        counts[cell] = (counts[cell] ?? 0) + 1
      }
      total += references.length
    },
    matrix: () =>
      Array.from({ length: numLabels }, (_, reference) => [
        ...counts.subarray(reference * numLabels, (reference + 1) * numLabels),
      ]),
  }
}

/**
 * The confusion matrix of predictions that are all there already.
 *
 * @param references The true class indices, each in [0, numLabels).
 * @param predictions The predicted class indices, in the same order.
 * @param numLabels The number of classes, at least 2.
 * @throws ArgumentError on different lengths, or on an index that is no class.
 */
export function confusionMatrix(
  references: ArrayLike<number>,
  predictions: ArrayLike<number>,
  numLabels: number,
): Confusion {
  const confusion = createConfusion(numLabels)
  confusion.add(references, predictions)
  return confusion
}

/**
 * Sums counts by class.
 *
 * @param caller The public function to name in the error.
 * @throws DataError if nothing has been added yet: no metric is defined then.
 */
export function marginalsOf(confusion: Confusion | LabelCounts, caller: string): Marginals {
  if (confusion.total === 0) {
    throw new DataError({
      function: caller,
      argument: 'confusion',
      expected: 'a confusion matrix of at least one example',
      received: 'an empty one',
      remedy: 'Add references and predictions before you ask for a metric.',
    })
  }
  if ('marginals' in confusion) return confusion.marginals()
  const matrix = confusion.matrix()
  const sum = (values: number[]) => values.reduce((left, right) => left + right, 0)
  return {
    correct: matrix.map((row, label) => row[label] ?? 0),
    support: matrix.map(sum),
    predicted: matrix.map((_, label) => sum(matrix.map((row) => row[label] ?? 0))),
  }
}

/** Throws unless every reference and prediction is a class. */
function checkPairs(references: ArrayLike<number>, predictions: ArrayLike<number>, numLabels: number): void {
  if (references.length !== predictions.length) {
    throw new ArgumentError({
      function: 'add',
      argument: 'predictions',
      expected: `as many as the ${references.length} references`,
      received: `${predictions.length}`,
      remedy: 'Pass one prediction for each reference, in the same order.',
    })
  }
  for (let index = 0; index < references.length; index++) {
    checkIndex(references[index], { argument: `references[${index}]`, numLabels, caller: 'add' })
    checkIndex(predictions[index], { argument: `predictions[${index}]`, numLabels, caller: 'add' })
  }
}

/** Throws unless `value` is a class index. */
export function checkIndex(
  value: number | undefined,
  { argument, numLabels, caller }: { argument: string; numLabels: number; caller: string },
): void {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) < numLabels) return
  throw new ArgumentError({
    function: caller,
    argument,
    expected: `a class index from 0 to ${numLabels - 1}`,
    received: String(value),
    remedy:
      'Turn label names and logits into class indices first, and leave out ignored labels such as -100.',
  })
}
