import { tf } from '@tfx/compiler'

/**
 * Sinusoidal positions (Vaswani et al. 2017, 3.5), all sines in front of all cosines, as Marian, Pegasus and M2M100
 * have them. They are computed, not stored, and have no largest position.
 *
 * @param positions int32 [...]
 * @param options `size`: an even number of features. `spacing`: `paper` spreads wavelengths by 2i / size; `tensor2tensor`
 *   by i / (size / 2 − 1), as M2M100.
 * @returns float32 [..., size]
 */
export function sinusoidalPositions(
  positions: tf.Tensor,
  { size, spacing }: { size: number; spacing: 'paper' | 'tensor2tensor' },
): tf.Tensor {
  const half = size / 2
  const steps = spacing === 'paper' ? half : half - 1
  const frequencies = tf.tensor1d(Array.from({ length: half }, (_, index) => 10000 ** (-index / steps)))
  const angles = tf.mul(tf.expandDims(tf.cast(positions, 'float32'), -1), frequencies)
  return tf.concat([tf.sin(angles), tf.cos(angles)], -1)
}
