import { embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { parameterOf, type Parameters } from './parameters'

/** How distances between tokens are put into buckets. */
export interface RelativeBucketOptions {
  /** Of both directions together. */
  buckets: number
  /** From here on all distances share a bucket. */
  maxDistance: number
}

/**
 * The bucket of each pair of tokens: near distances have one each, farther ones share in logarithmic steps; one
 * half of the buckets is for tokens before, the other for tokens after (Raffel et al. 2019,
 * [T5](https://arxiv.org/abs/1910.10683), 2.1).
 *
 * @param sequence The number of tokens; may be symbolic.
 * @returns int32 [sequence, sequence]: the bucket of column − row.
 */
export function relativeBuckets(
  sequence: number,
  { buckets, maxDistance }: RelativeBucketOptions,
): tf.Tensor {
  const half = buckets / 2
  const exact = Math.floor(half / 2)
  const positions = tf.range(0, sequence, 1, 'int32')
  const offset = tf.sub(tf.reshape(positions, [1, sequence]), tf.reshape(positions, [sequence, 1]))
  const distance = tf.abs(offset)
  const add = (bucket: tf.Tensor, condition: tf.Tensor, steps: number) =>
    tf.add(bucket, tf.mul(tf.cast(condition, 'int32'), tf.scalar(steps, 'int32')))
  let bucket: tf.Tensor = tf.minimum(distance, tf.scalar(exact, 'int32'))
  // Counting the thresholds passed, not taking logarithms: floats would round differently on each engine.
  for (let step = 1; step < half - exact; step++) {
    const threshold = exact * (maxDistance / exact) ** (step / (half - exact))
    // A distance is whole, so that one just below 16 by rounding means 16.
    const from = Math.ceil(threshold - 1e-9)
    bucket = add(bucket, tf.greaterEqual(distance, tf.scalar(from, 'int32')), 1)
  }
  return add(bucket, tf.greater(offset, tf.scalar(0, 'int32')), half)
}

/**
 * What to add to the attention scores for the distance between tokens.
 *
 * @param name Of the embedding [buckets, heads].
 * @returns float32 [1, heads, sequence, sequence]
 */
export function relativePositionBias(
  parameters: Parameters,
  name: string,
  { sequence, ...options }: RelativeBucketOptions & { sequence: number },
): tf.Tensor {
  const table = parameterOf(parameters, `${name}.weight`)
  const perPair = embedding(table, relativeBuckets(sequence, options)) // (S, S, N)
  return tf.expandDims(tf.transpose(perPair, [2, 0, 1]), 0)
}
