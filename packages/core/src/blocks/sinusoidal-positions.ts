import { tf } from '@tfx/compiler'

/**
 * Sinusoidal positions (Vaswani et al. 2017, 3.5), all sines in front of all cosines, as Marian, Pegasus and M2M100
 * have them. They are computed, not stored, and have no largest position.
 *
 * @param positions int32 [...]
 * @param options `size`: the number of features; of an odd one, the last is a sine more, or 0. `spacing`: `paper` spreads
 *   wavelengths by 2i / size; `tensor2tensor` by i / (⌊size / 2⌋ − 1), as M2M100.
 * @returns float32 [..., size]
 */
export function sinusoidalPositions(
  positions: tf.Tensor,
  { size, spacing }: { size: number; spacing: 'paper' | 'tensor2tensor' },
): tf.Tensor {
  const { sines, cosines, zeros } = sinusoids({ size, spacing })
  const column = tf.expandDims(tf.cast(positions, 'float32'), -1)
  const angles = (frequencies: number[]) => tf.mul(column, tf.tensor1d(frequencies))
  const parts = [tf.sin(angles(sines)), tf.cos(angles(cosines))]
  return tf.concat(zeros > 0 ? [...parts, tf.zerosLike(column)] : parts, -1)
}

/** Position and feature → what {@link sinusoidalPositions} with the spacing `paper` has there. */
export function sinusoidTable(size: number): (position: number, feature: number) => number {
  const { sines, cosines } = sinusoids({ size, spacing: 'paper' })
  return (position, feature) =>
    feature < sines.length
      ? Math.sin(position * sines[feature]!)
      : Math.cos(position * cosines[feature - sines.length]!)
}

/** The angles per position of the sines and of the cosines, and the number of zeros behind them. */
function sinusoids({ size, spacing }: { size: number; spacing: 'paper' | 'tensor2tensor' }) {
  const half = Math.floor(size / 2)
  const isPaper = spacing === 'paper'
  const steps = isPaper ? size / 2 : half - 1
  const frequencies = (length: number) => Array.from({ length }, (_, index) => 10000 ** (-index / steps))
  const isOdd = size % 2 === 1
  return {
    sines: frequencies(isPaper && isOdd ? half + 1 : half),
    cosines: frequencies(half),
    zeros: !isPaper && isOdd ? 1 : 0,
  }
}
