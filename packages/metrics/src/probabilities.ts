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

/**
 * The expected calibration error with equal-width bins of the top probability: the mean distance between
 * how sure the classifier is and how often it is right (Guo et al. 2017, "On Calibration of Modern
 * Neural Networks", equation 3). A bin holds confidences in (low, high]. From 0, the best, to 1.
 *
 * @param references The true class indices: [examples].
 * @param probabilities The predicted distribution of each example: [examples][classes].
 * @param bins The number of bins; default 15, as in the paper.
 * @throws ArgumentError on different lengths, an index that is no class, a row that is no distribution or
 *   a number of bins below 1; DataError if there are no examples.
 */
export function expectedCalibrationError(
  references: ArrayLike<number>,
  probabilities: readonly ArrayLike<number>[],
  bins = 15,
): number {
  checkDistributions(references, probabilities, 'expectedCalibrationError')
  if (!Number.isInteger(bins) || bins < 1) {
    throw new ArgumentError({
      function: 'expectedCalibrationError',
      argument: 'bins',
      expected: 'an integer of at least 1',
      received: String(bins),
      remedy: 'Leave it out for the usual 15.',
    })
  }
  // The sum of (right - confidence) over each bin: its share of examples times its gap, up to 1 / examples.
  const gaps = new Float64Array(bins)
  probabilities.forEach((row, example) => {
    const confidence = Math.max(...Array.from(row))
    const prediction = Array.from(row).indexOf(confidence)
    const bin = Math.min(bins, Math.max(1, Math.ceil(confidence * bins))) - 1
    gaps[bin] = (gaps[bin] ?? 0) + (prediction === references[example] ? 1 : 0) - confidence
  })
  return gaps.reduce((total, gap) => total + Math.abs(gap), 0) / probabilities.length
}

/** How far the sum of a row may be from 1: float32 softmax over many classes stays well within it. */
const sumTolerance = 1e-3

function checkDistributions(
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
