import { ArgumentError } from '@tfx/common'
import {
  accuracy,
  averageScores,
  classScores,
  matthewsCorrelation,
  type ClassScores,
  type Scores,
} from './averages'
import type { Confusion } from './confusion'

/** All metrics of a classifier at once; plain JSON. */
export interface ClassificationReport {
  accuracy: number
  matthewsCorrelation: number
  /** The unweighted mean over classes. */
  macro: Scores
  /** The mean over classes, weighted by support. */
  weighted: Scores
  /** One entry for each class, in the order of the class indices. */
  classes: (ClassScores & { label: string })[]
  /** [reference][prediction] counts. */
  confusion: number[][]
  /** The number of examples. */
  support: number
}

/**
 * Every metric of a confusion matrix in one object, named as in scikit-learn's `classification_report`.
 *
 * @param labels The name of each class; default `'0'`, `'1'`, …
 * @throws DataError if the confusion matrix is empty; ArgumentError on another number of names than classes.
 *
 * @example
 * ```ts
 * classificationReport(confusion, ['negative', 'positive']).macro.f1
 * ```
 */
export function classificationReport(confusion: Confusion, labels?: readonly string[]): ClassificationReport {
  if (labels !== undefined && labels.length !== confusion.numLabels) {
    throw new ArgumentError({
      function: 'classificationReport',
      argument: 'labels',
      expected: `${confusion.numLabels} names, one for each class`,
      received: `${labels.length}`,
      remedy: 'Pass the label names in the order of the class indices.',
    })
  }
  return {
    accuracy: accuracy(confusion),
    matthewsCorrelation: matthewsCorrelation(confusion),
    macro: averageScores(confusion, 'macro'),
    weighted: averageScores(confusion, 'weighted'),
    classes: classScores(confusion).map((scores, label) => ({
      label: labels?.[label] ?? String(label),
      ...scores,
    })),
    confusion: confusion.matrix(),
    support: confusion.total,
  }
}
