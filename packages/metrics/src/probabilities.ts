import { ArgumentError, DataError } from '@tfx/common'
import { checkIndex } from './confusion'

/**
 * The mean negative log likelihood of the true classes, in nats: scikit-learn's `log_loss` of float64
 * probabilities. Each probability is clipped to [2^-52, 1 - 2^-52], so that one confident mistake costs
 * 36 and not infinity.
 *
 * @param references The true class indices: [examples].
 * @param probabilities The predicted distribution of each example: [examples][classes].
 * @throws ArgumentError on different lengths, an index that is no class or a row that is no distribution;
 *   DataError if there are no examples.
 */
export function logLoss(references: ArrayLike<number>, probabilities: readonly ArrayLike<number>[]): number {
  checkDistributions(references, probabilities, 'logLoss')
  const losses = probabilities.map((row, example) => {
    const probability = row[Number(references[example])] ?? 0
    return -Math.log(Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON))
  })
  return losses.reduce((left, right) => left + right, 0) / losses.length
}

/** How far the sum of a row may be from 1: float32 softmax over many classes stays well within it. */
const sumTolerance = 1e-3

/** @throws ArgumentError, DataError unless there is one distribution for each reference, and at least one. */
export function checkDistributions(
  references: ArrayLike<number>,
  probabilities: readonly ArrayLike<number>[],
  caller: string,
): void {
  if (references.length !== probabilities.length) {
    throw new ArgumentError({
      function: caller,
      argument: 'probabilities',
      expected: `one row for each of the ${references.length} references`,
      received: `${probabilities.length}`,
      remedy: 'Pass one distribution for each reference, in the same order.',
    })
  }
  if (probabilities.length === 0) {
    throw new DataError({
      function: caller,
      argument: 'probabilities',
      expected: 'at least one row',
      received: 'empty',
      remedy: 'Predict some examples first.',
    })
  }
  probabilities.forEach((row, example) => {
    const values = Array.from(row)
    checkIndex(references[example], {
      argument: `references[${example}]`,
      numLabels: values.length,
      caller,
    })
    const sum = values.reduce((left, right) => left + right, 0)
    if (values.every((value) => value >= 0) && Math.abs(sum - 1) <= sumTolerance) return
    throw new ArgumentError({
      function: caller,
      argument: `probabilities[${example}]`,
      expected: 'probabilities that sum to 1',
      received: `[${values.slice(0, 5).join(', ')}${values.length > 5 ? ', …' : ''}]`,
      remedy: 'Apply softmax to logits first.',
    })
  })
}
