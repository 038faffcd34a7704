import { ArgumentError, DataError } from '@tfx/common'
import { checkDistributions } from './probabilities'

/** How sure a classifier is beside how often it is right, added up batch by batch. */
export interface Calibration {
  /** The number of examples added so far. */
  readonly total: number
  /**
   * Adds examples.
   *
   * @param references The true class indices: [examples].
   * @param probabilities The predicted distribution of each example: [examples][classes].
   * @throws ArgumentError on different lengths, an index that is no class or a row that is no distribution.
   */
  add(references: ArrayLike<number>, probabilities: readonly ArrayLike<number>[]): void
  /**
   * The expected calibration error, see {@link expectedCalibrationError}.
   *
   * @throws DataError if nothing was added.
   */
  error(): number
}

/**
 * An empty calibration to add to.
 *
 * @param bins The number of bins; default 15.
 * @throws ArgumentError on a number of bins below 1.
 */
export function createCalibration(bins = 15): Calibration {
  if (!Number.isInteger(bins) || bins < 1) {
    throw new ArgumentError({
      function: 'createCalibration',
      argument: 'bins',
      expected: 'an integer of at least 1',
      received: String(bins),
      remedy: 'Leave it out for the usual 15.',
    })
  }
  // The sum of (right - confidence) over each bin: its share of examples times its gap, up to 1 / examples.
  const gaps = new Float64Array(bins)
  let total = 0
  return {
    get total() {
      return total
    },
    add(references, probabilities) {
      checkDistributions(references, probabilities, 'add')
      probabilities.forEach((row, example) => {
        const values = Array.from(row)
        const confidence = Math.max(...values)
        const isRight = values.indexOf(confidence) === references[example]
        gaps[binOf(confidence, bins)]! += Number(isRight) - confidence
      })
      total += probabilities.length
    },
    error() {
      if (total > 0) return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / total
      throw new DataError({
        function: 'error',
        argument: 'calibration',
        expected: 'one of at least one example',
        received: 'an empty one',
        remedy: 'Add references and probabilities first.',
      })
    },
  }
}

/** The place of the bin (place / bins, (place + 1) / bins] that holds a probability; those above 1 by rounding are in the last. */
function binOf(confidence: number, bins: number): number {
  const place = Math.min(bins, Math.max(1, Math.ceil(confidence * bins))) - 1
  // 0.28 * 25 is above 7 by rounding, and 0.28 is not above 7 / 25.
  return place > 0 && confidence <= place / bins ? place - 1 : place
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
  const calibration = createCalibration(bins)
  calibration.add(references, probabilities)
  return calibration.error()
}
