import { tf } from '@tfx/compiler'
import { checkNumber } from '../check-numbers'

/** Two passes over the same batch with dropout masks of their own. */
export interface TwoPasses {
  /** The loss of each, a scalar. */
  readonly losses: readonly [tf.Tensor, tf.Tensor]
  /** The scores of each, float32 [..., classes]. */
  readonly logits: readonly [tf.Tensor, tf.Tensor]
  /** How much each row of the scores counts, of the shape of the scores without their last axis. Default: all the same. */
  readonly weights?: tf.Tensor | undefined
}

/**
 * R-Drop (Liang et al., [R-Drop](https://arxiv.org/abs/2106.14448)): the mean loss of two passes, and α times how far their
 * predictions are apart, so that what dropout leaves out matters less.
 *
 * @param alpha How much the distance counts; 0.5 to 5 are usual.
 * @returns A scalar.
 * @throws ArgumentError on an alpha below 0.
 *
 * @example
 * ```ts
 * const pass = () => model(parameters, inputs, { training: true })
 * const logits = [pass(), pass()] as const
 * const losses = [softmaxCrossEntropy(logits[0], labels), softmaxCrossEntropy(logits[1], labels)] as const
 * return { loss: rDropLoss({ losses, logits }, 1) }
 * ```
 */
export function rDropLoss({ losses, logits, weights }: TwoPasses, alpha: number): tf.Tensor {
  checkNumber('rDropLoss', { alpha }, { least: 0 })
  const mean = tf.mul(tf.add(...losses), 0.5)
  return tf.add(mean, tf.mul(symmetricDivergence(logits, weights), alpha))
}

/**
 * ½ KL(p ‖ q) + ½ KL(q ‖ p) of the softmaxes of two sets of scores, the mean over their rows.
 *
 * @param logits float32 [..., classes] each.
 * @param weights How much each row counts, of the shape of the scores without their last axis. Default: all the same.
 * @returns A scalar, at least 0.
 */
export function symmetricDivergence(
  [left, right]: readonly [tf.Tensor, tf.Tensor],
  weights?: tf.Tensor,
): tf.Tensor {
  const [p, q] = [tf.logSoftmax(left), tf.logSoftmax(right)]
  const rows = tf.mul(tf.sum(tf.mul(tf.sub(tf.exp(p), tf.exp(q)), tf.sub(p, q)), -1), 0.5)
  if (weights === undefined) return tf.mean(rows)
  return tf.div(tf.sum(tf.mul(rows, weights)), tf.maximum(tf.sum(weights), 1e-12))
}
