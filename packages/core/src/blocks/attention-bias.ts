import { tf } from '@tfx/compiler'

/** Added to the scores of what is hidden: large enough that its probability is exactly 0, finite in float32. */
const hiddenScore = 1e9

/** 0 where something is seen (1 or true), a large negative number where it is hidden; float32, of the same shape. */
function hidingBias(isSeen: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(tf.cast(isSeen, 'float32'), 1), hiddenScore)
}

/**
 * What to add to the attention scores: 0 where the mask is 1, a large negative number where it is 0.
 *
 * @param attentionMask int32 [batch, sequence]; 1 = token, 0 = padding
 * @returns float32 [batch, 1, 1, sequence]
 */
export function attentionBias(attentionMask: tf.Tensor): tf.Tensor {
  const [batch, sequence] = attentionMask.shape as [number, number]
  return tf.reshape(hidingBias(attentionMask), [batch, 1, 1, sequence])
}

/**
 * What hides tokens that are farther away than `reach`, on either side.
 *
 * @param sequence The number of tokens; may be symbolic.
 * @returns float32 [1, 1, sequence, sequence]
 */
export function windowBias(sequence: number, reach: number): tf.Tensor {
  const positions = tf.range(0, sequence, 1, 'int32')
  const distance = tf.abs(tf.sub(tf.expandDims(positions, 0), tf.expandDims(positions, 1)))
  const isNear = tf.lessEqual(distance, tf.scalar(reach, 'int32'))
  return tf.reshape(hidingBias(isNear), [1, 1, sequence, sequence])
}

/**
 * What to add to attention scores so that a token sees itself and earlier tokens only.
 *
 * @param attentionMask int32 [batch, total]; 1 = token, 0 = padding; of cached and new tokens
 * @param options `sequence`: how many of them are new. `window`: how many tokens back one sees, itself included.
 *   Default: all.
 * @returns float32 [batch, 1, sequence, total]
 */
export function causalBias(
  attentionMask: tf.Tensor,
  { sequence, window }: { sequence: number; window?: number | undefined },
): tf.Tensor {
  const [batch, total] = attentionMask.shape as [number, number]
  const columns = tf.reshape(tf.range(0, total, 1, 'int32'), [1, 1, 1, total])
  const rows = tf.reshape(tf.range(total - sequence, total, 1, 'int32'), [1, 1, sequence, 1])
  let isSeen = tf.lessEqual(columns, rows)
  if (window !== undefined) {
    const isNear = tf.greater(columns, tf.sub(rows, tf.scalar(window, 'int32')))
    isSeen = tf.logicalAnd(isSeen, isNear)
  }
  const isToken = tf.reshape(tf.cast(attentionMask, 'bool'), [batch, 1, 1, total])
  return hidingBias(tf.logicalAnd(isSeen, isToken))
}

/**
 * Positions that count tokens, not padding: those of the new tokens behind the cached ones.
 *
 * @param attentionMask int32 [batch, total]; 1 = token, 0 = padding
 * @param sequence How many are new.
 * @returns int32 [batch, sequence]
 */
export function positionsOfMask(attentionMask: tf.Tensor, sequence: number): tf.Tensor {
  const [batch, total] = attentionMask.shape as [number, number]
  const counted = tf.sub(tf.cumsum(attentionMask, 1), tf.scalar(1, 'int32'))
  const recent = tf.slice(counted, [0, total - sequence], [batch, sequence])
  // Padding on the left would be at −1.
  return tf.maximum(recent, tf.scalar(0, 'int32'))
}
