import { tf } from '@tfx/compiler'

/** What batches looked like so far: the buffers `running_mean` and `running_var` of torch, each [channels]. */
export interface RunningStatistics {
  mean: tf.Tensor
  variance: tf.Tensor
}

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  /** [channels] */
  weight: tf.Tensor
  /** [channels] */
  bias: tf.Tensor
  /** Start with means of 0 and variances of 1. */
  running: RunningStatistics
  /** Normalize by the statistics of this batch, and mix them into the running ones; otherwise by the running ones. */
  training: boolean
  /** The share of this batch in the new running statistics. Default 0.1. */
  momentum?: number
  /** Default 1e-5. */
  epsilon?: number
  /** Where x has its channels: `last`, as everything here, or `first`, right after the batch, as torch. Default `last`. */
  channels?: 'first' | 'last'
  /** 1 for what is real and 0 for padding, in x's shape without channels. Padding counts for nothing and comes out as 0. */
  mask?: tf.Tensor | undefined
}

/**
 * Batch normalization over every axis but that of the channels (Ioffe and Szegedy 2015, arXiv:1502.03167), as
 * torch.nn.BatchNorm1d: the batch is normalized by its biased variance, the running one is of the unbiased. It takes two
 * rows or more to train.
 *
 * A pure function: what it returns as `running` is for the next call. In `fit`, keep them as parameters that are not trained
 * and return them from the step under their names: see the option `buffers` of `@tfx/train`.
 *
 * @param x [batch, channels], [batch, …, channels], or [batch, channels, …] with channels `first`.
 *
 * @example
 * ```ts
 * const running = { mean: p['norm.running_mean'], variance: p['norm.running_var'] }
 * const { value, running: next } = batchNorm(x, { weight: p['norm.weight'], bias: p['norm.bias'], running, training: true })
 * return { loss: lossOf(value), 'norm.running_mean': next.mean, 'norm.running_var': next.variance }
 * ```
 */
export function batchNorm(
  x: tf.Tensor,
  {
    weight,
    bias,
    running,
    training,
    momentum = 0.1,
    epsilon = 1e-5,
    channels = 'last',
    mask,
  }: BatchNormOptions,
): { value: tf.Tensor; running: RunningStatistics } {
  const isFirst = channels === 'first' && x.rank > 2
  const axes = Array.from({ length: x.rank - 2 }, (_, axis) => axis + 2)
  const last = isFirst ? tf.transpose(x, [0, ...axes, 1]) : x
  const rows = tf.reshape(last, [-1, last.shape.at(-1)!])
  const real = mask && tf.reshape(tf.cast(mask, 'float32'), [-1, 1])
  const batch = training ? statistics(rows, real) : undefined
  const { mean, variance } = batch ?? running
  const normalized = tf.mul(tf.sub(rows, mean), tf.rsqrt(tf.add(variance, epsilon)))
  const scaled = tf.add(tf.mul(normalized, weight), bias)
  const value = tf.reshape(real ? tf.mul(scaled, real) : scaled, last.shape)
  const mix = (old: tf.Tensor, now: tf.Tensor) => tf.add(tf.mul(old, 1 - momentum), tf.mul(now, momentum))
  return {
    value: isFirst ? tf.transpose(value, [0, axes.length + 1, ...axes.map((axis) => axis - 1)]) : value,
    running:
      batch === undefined
        ? running
        : { mean: mix(running.mean, batch.mean), variance: mix(running.variance, batch.unbiased) },
  }
}

/** The mean and the two variances of each column, over rows that are real. */
function statistics(rows: tf.Tensor, real: tf.Tensor | undefined) {
  const countLessOne = real ? tf.sub(tf.sum(real), 1) : lastIndex(rows)
  const count = tf.add(countLessOne, 1)
  const sum = (x: tf.Tensor) => tf.sum(real ? tf.mul(x, real) : x, 0)
  const mean = tf.div(sum(rows), count)
  const squares = sum(tf.square(tf.sub(rows, mean)))
  return { mean, variance: tf.div(squares, count), unbiased: tf.div(squares, countLessOne) }
}

/** The number of rows less one, as a tensor: a number would bake a symbolic batch into the graph. */
function lastIndex(rows: tf.Tensor): tf.Tensor {
  return tf.max(tf.range(0, rows.shape[0]))
}
