import { embedding } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { parameterOf, type Parameters } from './parameters'

/** How distances between tokens are put into buckets. */
export interface RelativeBucketOptions {
  /** Of both directions together. */
  buckets: number
  /** From here on all distances share a bucket. */
  maxDistance: number
  /** False where tokens only look back: all buckets are for those before. Default true. */
  bidirectional?: boolean
}

/** The positions of the tokens that look (rows) and of those that are looked at (columns): int32 vectors. */
export interface TokenPositions {
  readonly rows: tf.Tensor
  readonly columns: tf.Tensor
}

/**
 * The bucket of each pair of tokens: near distances have one each, farther ones share in logarithmic steps; with two
 * directions one half of the buckets is for tokens before, the other for tokens after (Raffel et al. 2019,
 * [T5](https://arxiv.org/abs/1910.10683), 2.1).
 *
 * @returns int32 [rows, columns]: the bucket of column − row.
 */
export function relativeBuckets(
  { rows, columns }: TokenPositions,
  { buckets, maxDistance, bidirectional = true }: RelativeBucketOptions,
): tf.Tensor {
  const half = bidirectional ? buckets / 2 : buckets
  const exact = Math.floor(half / 2)
  const offset = tf.sub(tf.expandDims(columns, 0), tf.expandDims(rows, 1))
  const zero = tf.scalar(0, 'int32')
  const distance = bidirectional ? tf.abs(offset) : tf.maximum(tf.neg(offset), zero)
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
  return bidirectional ? add(bucket, tf.greater(offset, zero), half) : bucket
}

/**
 * What to add to the attention scores for the distance between tokens.
 *
 * @param name Of the embedding [buckets, heads].
 * @returns float32 [1, heads, rows, columns]
 */
export function relativePositionBias(
  parameters: Parameters,
  name: string,
  options: RelativeBucketOptions & TokenPositions,
): tf.Tensor {
  const table = parameterOf(parameters, `${name}.weight`)
  const perPair = embedding(table, relativeBuckets(options, options)) // (S, T, N)
  return tf.expandDims(tf.transpose(perPair, [2, 0, 1]), 0)
}
