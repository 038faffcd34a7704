import { tf } from '@tfx/compiler'
import { checkNumber } from '../check-numbers'
import { checkFlags, checkNoOthers } from '../check-options'
import { checkLists, checkNotNegative, checkRates } from './check'
import { defineOptimizer, type FusedPlace, type Optimizer, type StepSettings } from './optimizer'

/** Options of {@link adafactor}. */
export interface AdafactorOptions {
  /** Added to squared gradients, and the least scale of a parameter. Default [1e-30, 1e-3]. */
  epsilon?: readonly [number, number]
  /** The largest root mean square of an update before the rate. Default 1. */
  clipThreshold?: number
  /** The averages of step t keep 1 − t to this power. Default −0.8. */
  decayRate?: number
  /** Decay rate of an average of updates, which costs a slot. Default: none. */
  beta1?: number | undefined
  /** Decoupled. Default 0. */
  weightDecay?: number
  /** Multiply the rate with the root mean square of the parameter. Default false. */
  scaleParameter?: boolean
  /** Use min(0.01, 1/√t) as the rate, whatever is passed. Default false. */
  relativeStep?: boolean
}

type AdafactorSlot = 'expAvgSqRow' | 'expAvgSqColumn' | 'expAvg'

/** A vector is a matrix of one column: the product of its factors is then what would not have been factored. */
const asMatrix = (shape: readonly number[]): number[] => (shape.length < 2 ? [shape[0] ?? 1, 1] : [...shape])

/**
 * Adafactor: Adam whose second moment is kept as one number for each row and one for each column (Shazeer and Stern,
 * https://arxiv.org/abs/1804.04235), to the formula of Hugging Face's Adafactor. Its state is next to nothing.
 *
 * The defaults are those of the T5 recipe, which takes a rate of 1e-3; Hugging Face's own are `scaleParameter` and
 * `relativeStep`.
 *
 * @throws ArgumentError on a negative epsilon, threshold or weight decay, a decay rate above 0, a beta outside [0, 1).
 *
 * @example
 * ```ts
 * await fit({ … optimizer: adafactor(), learningRate: 1e-3 })
 * ```
 */
export function adafactor({
  epsilon = [1e-30, 1e-3],
  clipThreshold = 1,
  decayRate = -0.8,
  beta1,
  weightDecay = 0,
  scaleParameter = false,
  relativeStep = false,
  ...others
}: AdafactorOptions = {}): Optimizer {
  checkNoOthers('adafactor', others)
  checkLists('adafactor', { epsilon }, { length: 2, least: 0 })
  checkNotNegative('adafactor', { clipThreshold, weightDecay })
  checkNumber('adafactor', { decayRate }, { most: 0 })
  if (beta1 !== undefined) checkRates('adafactor', { beta1 })
  checkFlags('adafactor', { scaleParameter, relativeStep })
  const [least, leastScale] = epsilon
  const scalarsOf = ({ step, learningRate }: StepSettings) => ({
    keep: 1 - step ** decayRate,
    rate: relativeStep ? Math.min(1e-2, 1 / Math.sqrt(step)) : learningRate,
  })
  return defineOptimizer<AdafactorSlot>({
    name: 'adafactor',
    settings: { epsilon, clipThreshold, decayRate, beta1, scaleParameter, relativeStep },
    slots: [
      { name: 'expAvgSqRow', shape: (shape) => asMatrix(shape).slice(0, -1) },
      {
        name: 'expAvgSqColumn',
        shape: (shape) => [...asMatrix(shape).slice(0, -2), asMatrix(shape).at(-1)!],
      },
      ...(beta1 === undefined ? [] : ['expAvg' as const]),
    ],
    weightDecay,
    rule({ value, gradient, expAvgSqRow, expAvgSqColumn, expAvg }, settings) {
      const { keep, rate } = scalarsOf(settings)
      const scaled = tf.mul(tf.reshape(gradient, asMatrix(gradient.shape)), settings.gradientScale)
      const squares = tf.add(tf.square(scaled), least)
      const row = tf.add(tf.mul(expAvgSqRow, keep), tf.mul(tf.mean(squares, -1), 1 - keep))
      const column = tf.add(tf.mul(expAvgSqColumn, keep), tf.mul(tf.mean(squares, -2), 1 - keep))
      // Not the root of a quotient, which float32 may not hold: a row without a gradient has 1e-30.
      const rowFactor = tf.expandDims(tf.mul(tf.rsqrt(row), tf.sqrt(tf.mean(row, -1, true))), -1)
      const direction = tf.mul(scaled, tf.mul(rowFactor, tf.expandDims(tf.rsqrt(column), -2)))
      const clip = tf.maximum(tf.div(rootMeanSquare(direction), clipThreshold), 1)
      const scale = scaleParameter ? tf.maximum(rootMeanSquare(value), leastScale) : tf.scalar(1)
      const stepSize = tf.mul(scale, rate)
      const update = tf.reshape(tf.mul(direction, tf.div(stepSize, clip)), value.shape)
      const first = beta1 === undefined ? update : tf.add(tf.mul(expAvg, beta1), tf.mul(update, 1 - beta1))
      const kept = tf.mul(value, tf.sub(1, tf.mul(stepSize, settings.weightDecay)))
      return { value: tf.sub(kept, first), expAvgSqRow: row, expAvgSqColumn: column, expAvg: first }
    },
    fused(place, settings) {
      const { kernels, offsets, length, shape } = place
      const { keep, rate } = scalarsOf(settings)
      const matrices = matricesOf(place, beta1 !== undefined)
      const [rows, columns] = asMatrix(shape).slice(-2) as [number, number]
      const { gradientScale } = settings
      let squares = 0
      const rowMeans = matrices.map(({ gradient, row, column }) => {
        kernels.factorMoments(gradient, row, column, rows, columns, gradientScale, least, keep, 1 - keep)
        const rowMean = kernels.mean(row, rows)
        squares += kernels.factoredSquares(gradient, row, column, rows, columns, gradientScale, rowMean)
        return rowMean
      })
      const clip = Math.max(Math.sqrt(squares / length) / clipThreshold, 1)
      const size = () => Math.sqrt(kernels.sumOfSquares(offsets.value, length) / length)
      const stepSize = rate * (scaleParameter ? Math.max(size(), leastScale) : 1)
      const steps = [1 - stepSize * settings.weightDecay, (stepSize * gradientScale) / clip]
      for (const [index, { value, gradient, row, column, expAvg }] of matrices.entries()) {
        const places = [value, gradient, row, column, expAvg, rows, columns, rowMeans[index]!]
        kernels.applyFactored(...places, ...steps, beta1 ?? 0, 1 - (beta1 ?? 0))
      }
    },
  })
}

function rootMeanSquare(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.mean(tf.square(x)))
}

/** Where each matrix of a parameter lies: more than one if it has more than two dimensions. */
function matricesOf({ offsets, shape, length }: FusedPlace<AdafactorSlot>, hasFirst: boolean) {
  const [rows, columns] = asMatrix(shape).slice(-2) as [number, number]
  const bytes = 4 * rows * columns
  return Array.from({ length: length / (rows * columns) }, (_, index) => ({
    value: offsets.value + index * bytes,
    gradient: offsets.gradient + index * bytes,
    row: offsets.expAvgSqRow + 4 * index * rows,
    column: offsets.expAvgSqColumn + 4 * index * columns,
    // 0 says that there is none.
    expAvg: hasFirst ? offsets.expAvg + index * bytes : 0,
  }))
}
