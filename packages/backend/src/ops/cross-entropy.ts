import { isTracing, tf } from '@tfx/compiler'
import { refuseNested } from './fusing'

/** Options of {@link softmaxCrossEntropy}. */
export interface CrossEntropyOptions {
  /** Rows with this label count for nothing. Default -100. */
  ignoreIndex?: number
  /** ε: weight ε/K on every class and 1 − ε + ε/K on the target. Default 0. */
  labelSmoothing?: number
  /** How much each class counts: [classes]. Default: all 1. */
  classWeights?: readonly number[] | undefined
  /** `mean` divides by the weights of the targets of all rows that are not ignored: without any, their number. Default `mean`. */
  reduction?: 'mean' | 'sum' | 'none'
}

/**
 * Softmax cross-entropy with integer labels, as torch.nn.functional.cross_entropy.
 *
 * @param logits float32 [rows, classes]
 * @param labels int32 [rows]
 * @returns A scalar, or [rows] for reduction `none`. As in PyTorch, the mean over no row is NaN. So is the loss of a label that
 *   is no class, where PyTorch throws; an engine that looks labels up may throw too.
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { ignoreIndex = -100, labelSmoothing = 0, classWeights, reduction = 'mean' }: CrossEntropyOptions = {},
): tf.Tensor {
  refuseNested('softmaxCrossEntropy')
  const isCounted = tf.notEqual(labels, tf.scalar(ignoreIndex, 'int32'))
  const targets = tf.where(isCounted, labels, tf.zerosLike(labels))
  const counted = tf.where(isClass(targets, logits.shape[1]!), tf.cast(isCounted, 'float32'), tf.scalar(NaN))
  const weights = classWeights && tf.tensor1d(Array.from(classWeights), 'float32')
  const targetWeights = weights && tf.gather(weights, targets)
  const each =
    weights && targetWeights
      ? weightedRowLosses(logits, targets, { weights, targetWeights, labelSmoothing })
      : rowLosses(logits, targets, labelSmoothing)
  const losses = tf.mul(each, counted)
  if (reduction === 'none') return losses
  const total = tf.sum(losses)
  if (reduction === 'sum') return total
  return tf.div(total, tf.sum(targetWeights ? tf.mul(targetWeights, counted) : counted))
}

/** Runtimes differ in what they make of other labels; that of -1 would be the last class. */
const isClass = (targets: tf.Tensor, classes: number) =>
  tf.logicalAnd(
    tf.greaterEqual(targets, tf.scalar(0, 'int32')),
    tf.less(targets, tf.scalar(classes, 'int32')),
  )

interface RowWeights {
  /** Of the classes: [classes]. */
  readonly weights: tf.Tensor
  /** Of the rows' targets: [rows]. */
  readonly targetWeights: tf.Tensor
  readonly labelSmoothing: number
}

/** As PyTorch has it, smoothing spreads over classes by their own weights, not by the target's. */
function weightedRowLosses(
  logits: tf.Tensor,
  targets: tf.Tensor,
  { weights, targetWeights, labelSmoothing }: RowWeights,
): tf.Tensor {
  const sharp = tf.mul(rowLosses(logits, targets, 0), targetWeights)
  if (labelSmoothing === 0) return sharp
  const smooth = tf.mean(tf.mul(tf.neg(tf.logSoftmax(logits)), weights), -1)
  return tf.add(tf.mul(sharp, 1 - labelSmoothing), tf.mul(smooth, labelSmoothing))
}

/**
 * The loss of each row, log Σ exp(x) − x[target]. Its gradient is softmax(x) less 1 in the label's column: no one-hot.
 *
 * Logits over a vocabulary are the largest array of a language model, so each step takes what the one before
 * leaves: x − max, exp, times dy/Σ and the target's update can all be written over the logits, one after the other.
 * For that the label's logit must be read first: the maximum with it changes no number, but makes all the rest wait for it.
 */
function rowLosses(logits: tf.Tensor, targets: tf.Tensor, labelSmoothing: number): tf.Tensor {
  const classes = logits.shape[1]!
  const compute = tf.customGrad((...args) => {
    const [logits, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc]
    const picked = tf.expandDims(pickTargets(logits, targets), -1)
    const largest = tf.maximum(tf.max(logits, -1, true), picked)
    const shifted = tf.sub(logits, largest)
    const exponentials = tf.exp(shifted)
    const sums = tf.sum(exponentials, -1, true)
    save([exponentials, sums, targets])
    // Both relative to the largest logit.
    const logSum = tf.log(sums)
    const negative = tf.sub(logSum, tf.sub(picked, largest))
    const smooth = () => tf.sub(logSum, tf.mean(shifted, -1, true))
    const column =
      labelSmoothing === 0
        ? negative
        : tf.add(tf.mul(negative, 1 - labelSmoothing), tf.mul(smooth(), labelSmoothing))
    return {
      value: tf.squeeze(column, [-1]),
      gradFunc: (dy, saved) => {
        const [exponentials, sums, targets] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
        const column = tf.expandDims(dy, -1)
        const probabilities = tf.mul(exponentials, tf.div(column, sums))
        const smoothed =
          labelSmoothing === 0
            ? probabilities
            : tf.sub(probabilities, tf.mul(column, labelSmoothing / classes))
        return addToTargets(smoothed, targets, tf.mul(dy, labelSmoothing - 1))
      },
    }
  })
  return compute(logits)
}

/** `x[row, targets[row]]` for each row. */
function pickTargets(x: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  if (isTracing()) return tf.engine().runKernel<tf.Tensor>('TfxGatherLast', { x, indices: targets })
  return tf.sum(tf.mul(x, targetsAsOneHot(x, targets)), -1)
}

/** x with `updates[row]` added to the target's element of each row. */
function addToTargets(x: tf.Tensor, targets: tf.Tensor, updates: tf.Tensor): tf.Tensor {
  if (isTracing())
    return tf.engine().runKernel<tf.Tensor>('TfxScatterAddLast', { x, indices: targets, updates })
  return tf.add(x, tf.mul(targetsAsOneHot(x, targets), tf.expandDims(updates, -1)))
}

// tfjs has no one-hot of a single class.
const targetsAsOneHot = (x: tf.Tensor, targets: tf.Tensor) =>
  x.shape[1] === 1 ? tf.onesLike(x) : tf.cast(tf.oneHot(targets as tf.Tensor1D, x.shape[1]!), 'float32')
