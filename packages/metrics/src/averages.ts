import { ArgumentError } from '@tfx/common'
import { marginalsOf, type Confusion } from './confusion'
import type { LabelCounts } from './label-counts'

/** Precision, recall and F1; each is 0 where its denominator is 0 (scikit-learn's `zero_division=0`). */
export interface Scores {
  /** True positives over predicted positives. */
  precision: number
  /** True positives over actual positives. */
  recall: number
  /** The harmonic mean of precision and recall: 2·TP / (2·TP + FP + FN). */
  f1: number
}

/** The scores of one class. */
export interface ClassScores extends Scores {
  /** The number of examples whose reference is this class. */
  support: number
}

/**
 * How scores of classes become one: `macro`, their plain mean; `weighted`, their mean weighted by
 * support; `micro`, the score of all decisions pooled (equal to accuracy where every example has one
 * class).
 */
export type Average = 'micro' | 'macro' | 'weighted'

/**
 * The share of examples predicted right.
 *
 * @throws DataError if the confusion matrix is empty.
 */
export function accuracy(confusion: Confusion): number {
  const { correct } = marginalsOf(confusion, 'accuracy')
  return sum(correct) / confusion.total
}

/**
 * Precision, recall, F1 and support of every class, in the order of the class indices. Classes that
 * occur nowhere are there too, with zeros: scikit-learn's `precision_recall_fscore_support` with
 * `labels=range(numLabels), zero_division=0`.
 *
 * @throws DataError if the confusion matrix is empty.
 */
export function classScores(confusion: Confusion | LabelCounts): ClassScores[] {
  const { correct, support, predicted } = marginalsOf(confusion, 'classScores')
  return correct.map((hits, label) => {
    const actual = support[label] ?? 0
    return { ...scoresFrom(hits, actual, predicted[label] ?? 0), support: actual }
  })
}

const scoresFrom = (hits: number, actual: number, claimed: number): Scores => ({
  precision: divide(hits, claimed),
  recall: divide(hits, actual),
  f1: divide(2 * hits, claimed + actual),
})

/**
 * Precision, recall and F1 over all classes. Like {@link classScores} it counts absent classes: they
 * pull the macro average down.
 *
 * @param average See {@link Average}.
 * @throws DataError if the confusion matrix is empty; ArgumentError on another average.
 *
 * @example
 * ```ts
 * averageScores(confusion, 'macro').f1
 * ```
 */
export function averageScores(confusion: Confusion | LabelCounts, average: Average): Scores {
  const scores = classScores(confusion)
  switch (average) {
    case 'micro': {
      const { correct, support, predicted } = marginalsOf(confusion, 'averageScores')
      return scoresFrom(sum(correct), sum(support), sum(predicted))
    }
    case 'macro':
      return weightedMean(scores, () => 1)
    case 'weighted':
      return weightedMean(scores, ({ support }) => support)
    default:
      throw new ArgumentError({
        function: 'averageScores',
        argument: 'average',
        expected: "'micro', 'macro' or 'weighted'",
        received: `'${String(average satisfies never)}'`,
        remedy: 'For the scores of each class, call classScores.',
      })
  }
}

/**
 * The Matthews correlation coefficient, from -1 to 1 and 0 for chance, for any number of classes: the
 * R_K statistic of Gorodkin (2004), as scikit-learn's `matthews_corrcoef`. It is 0 where it is
 * undefined (all references or all predictions are of one class).
 *
 * @throws DataError if the confusion matrix is empty.
 */
export function matthewsCorrelation(confusion: Confusion): number {
  const { correct, support, predicted } = marginalsOf(confusion, 'matthewsCorrelation')
  const squaredTotal = confusion.total ** 2
  const covariance = sum(correct) * confusion.total - dot(support, predicted)
  const variances = (squaredTotal - dot(predicted, predicted)) * (squaredTotal - dot(support, support))
  return variances === 0 ? 0 : covariance / Math.sqrt(variances)
}

function weightedMean(scores: readonly ClassScores[], weightOf: (scores: ClassScores) => number): Scores {
  const weight = sum(scores.map(weightOf))
  const mean = (name: keyof Scores) => divide(sum(scores.map((each) => each[name] * weightOf(each))), weight)
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') }
}

const divide = (numerator: number, denominator: number) => (denominator === 0 ? 0 : numerator / denominator)

const sum = (values: readonly number[]) => values.reduce((left, right) => left + right, 0)

const dot = (left: readonly number[], right: readonly number[]) =>
  left.reduce((total, value, index) => total + value * (right[index] ?? 0), 0)
