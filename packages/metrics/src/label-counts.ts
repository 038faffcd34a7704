import { ArgumentError, DataError } from '@tfx/common'

/** The counts that metrics are made of: for each class, how often it was right, true, and predicted. */
export interface Marginals {
  /** True positives of each class: [numLabels]. */
  correct: number[]
  /** How many examples have each class as their reference: [numLabels]. */
  support: number[]
  /** How many examples were predicted to be of each class: [numLabels]. */
  predicted: number[]
}

/**
 * Counts for examples that have any number of labels, also none: what a {@link Confusion} is where every example has
 * exactly one. `classScores` and `averageScores` take either.
 */
export interface LabelCounts {
  /** The number of labels, present in the data or not. */
  readonly numLabels: number
  /** The number of examples added so far. */
  readonly total: number
  /** How many examples had all of their labels predicted, and no other. */
  readonly exact: number
  /**
   * Adds one example.
   *
   * @param reference Whether it has each label: [numLabels], 0 or 1.
   * @param prediction Whether it was said to have each label: [numLabels], 0 or 1.
   * @throws ArgumentError on another length, or a value that is neither 0 nor 1; nothing is added then.
   */
  add(reference: ArrayLike<number>, prediction: ArrayLike<number>): void
  /** How often each label was right, true, and predicted. */
  marginals(): Marginals
}

/**
 * Empty counts to add to.
 *
 * @param numLabels The number of labels, at least 1.
 * @throws ArgumentError if `numLabels` is not an integer of at least 1.
 *
 * @example
 * ```ts
 * const counts = createLabelCounts(3)
 * counts.add([1, 0, 1], [1, 0, 0])
 * averageScores(counts, 'micro').f1 // 0.666…
 * ```
 */
export function createLabelCounts(numLabels: number): LabelCounts {
  if (!Number.isInteger(numLabels) || numLabels < 1) {
    throw new ArgumentError({
      function: 'createLabelCounts',
      argument: 'numLabels',
      expected: 'an integer of at least 1',
      received: String(numLabels),
      remedy: 'Pass the number of labels of the classifier.',
    })
  }
  const zeros = () => new Array<number>(numLabels).fill(0)
  const [correct, support, predicted] = [zeros(), zeros(), zeros()]
  let [total, exact] = [0, 0]
  return {
    numLabels,
    get total() {
      return total
    },
    get exact() {
      return exact
    },
    add(reference, prediction) {
      checkIndicators(reference, 'reference', numLabels)
      checkIndicators(prediction, 'prediction', numLabels)
      let isExact = true
      for (let label = 0; label < numLabels; label++) {
        const [is, was] = [reference[label]!, prediction[label]!]
        support[label]! += is
        predicted[label]! += was
        correct[label]! += is * was
        isExact &&= is === was
      }
      total += 1
      exact += Number(isExact)
    },
    marginals: () => ({ correct: [...correct], support: [...support], predicted: [...predicted] }),
  }
}

/**
 * The share of examples whose labels were predicted without one too many or too few: scikit-learn's `accuracy_score` of
 * indicator matrices.
 *
 * @throws DataError if no example was added.
 */
export function exactMatch({ exact, total }: LabelCounts): number {
  if (total > 0) return exact / total
  throw new DataError({
    function: 'exactMatch',
    argument: 'counts',
    expected: 'counts of at least one example',
    received: 'empty ones',
    remedy: 'Add references and predictions before you ask for a metric.',
  })
}

function checkIndicators(row: ArrayLike<number>, argument: string, numLabels: number): void {
  const values = Array.from(row)
  if (values.length === numLabels && values.every((value) => value === 0 || value === 1)) return
  throw new ArgumentError({
    function: 'add',
    argument,
    expected: `${numLabels} values of 0 or 1`,
    received: `[${values.slice(0, 5).join(', ')}${values.length > 5 ? ', …' : ''}]`,
    remedy: 'Compare probabilities with a threshold first.',
  })
}
