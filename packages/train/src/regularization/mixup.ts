import type { HostTensor, Random } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { checkCount, checkNumber } from '../check-numbers'

/** Who is mixed with whom in a batch, and how. */
export interface MixupPlan {
  /** int32 [batch]: the row that each row is mixed with, each row once. */
  readonly order: HostTensor<'int32'>
  /** float32 []: how much of itself each row keeps. */
  readonly share: HostTensor<'float32'>
}

/**
 * Draws how a batch is to be mixed (Zhang et al., [mixup](https://arxiv.org/abs/1710.09412)): its rows in any order, and one
 * share λ ~ Beta(α, α) for all of them. To be inputs of the step, so that every engine mixes the same.
 *
 * @param options `batch`: its number of rows. `alpha`: above 0; 0.1 to 1 are usual, and small ones mix little.
 * @throws ArgumentError on a batch that is no whole number above 0, or an alpha that is not above 0 and at most 8.
 */
export function mixupPlan(
  { batch, alpha }: { readonly batch: number; readonly alpha: number },
  random: Random,
): MixupPlan {
  checkCount('mixupPlan', { batch }, 1)
  const order = Int32Array.from(random.shuffle(Array.from({ length: batch }, (_, row) => row)))
  return {
    order: { dtype: 'int32', shape: [batch], data: order },
    share: { dtype: 'float32', shape: [], data: Float32Array.of(betaSample(alpha, random)) },
  }
}

/**
 * A number of the distribution Beta(α, α), by the method of Jöhnk; the larger alpha, the longer it takes.
 *
 * @throws ArgumentError unless alpha is above 0 and at most 8.
 */
export function betaSample(alpha: number, random: Random): number {
  checkNumber('betaSample', { alpha }, { least: Number.MIN_VALUE, most: 8 })
  for (;;) {
    // Powers of 1 / alpha may underflow: logarithms do not.
    const [x, y] = [Math.log(1 - random.next()) / alpha, Math.log(1 - random.next()) / alpha]
    const largest = Math.max(x, y)
    const sum = largest + Math.log(Math.exp(x - largest) + Math.exp(y - largest))
    if (sum <= 0) return Math.exp(x - sum)
  }
}

/** The tensors of a {@link MixupPlan} in a step. */
export interface MixupTensors {
  readonly order: tf.Tensor
  readonly share: tf.Tensor
}

/**
 * λ x + (1 − λ) x[order].
 *
 * @param x float32 [batch, …]
 */
export function mixRows(x: tf.Tensor, { order, share }: MixupTensors): tf.Tensor {
  return tf.add(tf.mul(x, share), tf.mul(tf.gather(x, order as tf.Tensor1D), tf.sub(1, share)))
}

/**
 * The embeddings of words mixed as images are (Guo et al., [Augmenting data with mixup for sentence classification](
 * https://arxiv.org/abs/1905.08941), wordMixup): the shorter text is filled with zeros. What the model reads then is as long as
 * the longer one, see {@link mixedMask}.
 *
 * @param words float32 [batch, sequence, size]
 * @param plan `attentionMask`: int32 [batch, sequence]; 1 = token, 0 = padding.
 */
export function mixWords(
  words: tf.Tensor,
  { attentionMask, ...plan }: MixupTensors & { readonly attentionMask: tf.Tensor },
): tf.Tensor {
  const isToken = tf.expandDims(tf.cast(attentionMask, 'float32'), -1)
  return mixRows(tf.mul(words, isToken), plan)
}

/** Which places of mixed texts hold a token of either, int32 [batch, sequence]. */
export function mixedMask(attentionMask: tf.Tensor, { order }: Pick<MixupTensors, 'order'>): tf.Tensor {
  return tf.maximum(attentionMask, tf.gather(attentionMask, order as tf.Tensor1D))
}

/**
 * The loss of mixed rows: λ times that with their own targets, and 1 − λ times that with the others'.
 *
 * @param loss A scalar for given targets, a mean over the batch.
 * @param targets [batch, …] each.
 */
export function mixedLoss<Targets extends Readonly<Record<string, tf.Tensor>>>(
  loss: (targets: Targets) => tf.Tensor,
  targets: Targets,
  { order, share }: MixupTensors,
): tf.Tensor {
  const others = Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [name, tf.gather(target, order as tf.Tensor1D)]),
  ) as Targets
  return tf.add(tf.mul(loss(targets), share), tf.mul(loss(others), tf.sub(1, share)))
}
