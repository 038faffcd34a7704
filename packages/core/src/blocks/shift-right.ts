import { tf } from '@tfx/compiler'

/**
 * Labels as a decoder reads them: one place later, behind a start token; ignored labels become padding.
 *
 * @param labels int32 [batch, target]; −100 counts for nothing.
 * @param options `start`: the start token, or `last-label`: the last label that is no padding (mBART's language).
 * @returns int32 [batch, target]
 */
export function shiftRight(
  labels: tf.Tensor,
  { padTokenId, start }: { padTokenId: number; start: number | 'last-label' },
): tf.Tensor {
  const [batch, target] = labels.shape as [number, number]
  const padding = tf.scalar(padTokenId, 'int32')
  const isIgnored = tf.equal(labels, tf.scalar(-100, 'int32'))
  const tokens = tf.where(isIgnored, tf.mul(tf.onesLike(labels), padding), labels)
  const first = start === 'last-label' ? lastOfEach(tokens, padding) : tf.fill([batch, 1], start, 'int32')
  return tf.concat([first, tf.slice(tokens, [0, 0], [batch, target - 1])], 1)
}

/** The last token of each row that is no padding, int32 [batch, 1]. */
function lastOfEach(tokens: tf.Tensor, padding: tf.Tensor): tf.Tensor {
  const [batch, target] = tokens.shape as [number, number]
  const lengths = tf.sum(tf.cast(tf.notEqual(tokens, padding), 'int32'), 1)
  const offsets = tf.range(0, batch * target, target, 'int32')
  const rows = tf.sub(tf.add(offsets, lengths), tf.scalar(1, 'int32'))
  return tf.reshape(tf.gather(tf.reshape(tokens, [batch * target]), rows as tf.Tensor1D), [batch, 1])
}
