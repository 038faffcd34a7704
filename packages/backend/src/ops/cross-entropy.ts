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
 * @returns A scalar, or [rows] for reduction `none`. As in PyTorch, the mean over no row is NaN.
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { ignoreIndex = -100, labelSmoothing = 0, classWeights, reduction = 'mean' }: CrossEntropyOptions = {},
): tf.Tensor {
  refuseNested('softmaxCrossEntropy')
  const isCounted = tf.notEqual(labels, tf.scalar(ignoreIndex, 'int32'))
  const counted = tf.cast(isCounted, 'float32')
  const targets = tf.where(isCounted, labels, tf.zerosLike(labels))
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

/** The loss of each row. The gradient comes from the probabilities and the label's column alone: no one-hot. */
function rowLosses(logits: tf.Tensor, targets: tf.Tensor, labelSmoothing: number): tf.Tensor {
  const classes = logits.shape[1]!
  const compute = tf.customGrad((...args) => {
    const [logits, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc]
    const probabilities = tf.softmax(logits)
    // log Σ exp(x) = max(x) − log max(p): no second pass of exponentials.
    const logSum = tf.sub(tf.max(logits, -1), tf.log(tf.max(probabilities, -1)))
    const negative = tf.sub(logSum, pickTargets(logits, targets))
    save([probabilities, targets])
    const smooth = () => tf.sub(logSum, tf.mean(logits, -1))
    const value =
      labelSmoothing === 0
        ? negative
        : tf.add(tf.mul(negative, 1 - labelSmoothing), tf.mul(smooth(), labelSmoothing))
    return {
      value,
      gradFunc: (dy, saved) => {
        const [probabilities, targets] = saved as [tf.Tensor, tf.Tensor]
        const column = tf.expandDims(dy, -1)
        const shifted = labelSmoothing === 0 ? probabilities : tf.sub(probabilities, labelSmoothing / classes)
        const updates = tf.mul(dy, labelSmoothing - 1)
        return addToTargets(tf.mul(shifted, column), targets, updates)
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

const targetsAsOneHot = (x: tf.Tensor, targets: tf.Tensor) =>
  tf.cast(tf.oneHot(targets as tf.Tensor1D, x.shape[1]!), 'float32')
