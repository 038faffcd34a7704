import { tf } from '@tfx/compiler'
import { canFuse } from './fusing'

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  /** [size] */
  weight: tf.Tensor
  /** [size] */
  bias: tf.Tensor
  /** Default 1e-5, as in PyTorch; BERT uses 1e-12. */
  epsilon?: number
}

/**
 * Layer normalization over the last axis (Ba et al. 2016, arXiv:1607.06450), as torch.nn.LayerNorm.
 *
 * @param x [..., size]
 */
export function layerNorm(x: tf.Tensor, { weight, bias, epsilon = 1e-5 }: LayerNormOptions): tf.Tensor {
  if (!canFuse()) {
    const centered = tf.sub(x, tf.mean(x, -1, true))
    const variance = tf.mean(tf.square(centered), -1, true)
    return tf.add(tf.mul(tf.mul(centered, tf.rsqrt(tf.add(variance, epsilon))), weight), bias)
  }
  const fused = tf.customGrad((...args) => {
    const [x, weight, bias, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc]
    const results = tf.engine().runKernel('TfxLayerNorm', { x, weight, bias }, { epsilon })
    const [value, mean, inverseDeviation] = results as tf.Tensor[] as [tf.Tensor, tf.Tensor, tf.Tensor]
    save([x, weight, mean, inverseDeviation])
    return { value, gradFunc: (dy, saved) => layerNormGradient(dy, saved) }
  })
  return fused(x, weight, bias)
}

function layerNormGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [x, weight, mean, inverseDeviation] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
  const normalized = tf.mul(tf.sub(x, mean), inverseDeviation)
  const scaled = tf.mul(dy, weight)
  const projection = tf.mul(normalized, tf.mean(tf.mul(scaled, normalized), -1, true))
  const centered = tf.sub(scaled, tf.add(tf.mean(scaled, -1, true), projection))
  const leading = Array.from({ length: x.rank - 1 }, (_, axis) => axis)
  return [tf.mul(centered, inverseDeviation), tf.sum(tf.mul(dy, normalized), leading), tf.sum(dy, leading)]
}

/**
 * Root mean square normalization over the last axis (Zhang and Sennrich 2019, arXiv:1910.07467).
 *
 * @param x [..., size]
 * @param options `weight` [size]; `epsilon` default 1e-6.
 */
export function rmsNorm(
  x: tf.Tensor,
  { weight, epsilon = 1e-6 }: { weight: tf.Tensor; epsilon?: number },
): tf.Tensor {
  if (!canFuse()) {
    const meanSquare = tf.mean(tf.square(x), -1, true)
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, epsilon))), weight)
  }
  const fused = tf.customGrad((...args) => {
    const [x, weight, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc]
    const results = tf.engine().runKernel('TfxRmsNorm', { x, weight }, { epsilon })
    const [value, inverseRoot] = results as tf.Tensor[] as [tf.Tensor, tf.Tensor]
    save([x, weight, inverseRoot])
    return { value, gradFunc: (dy, saved) => rmsNormGradient(dy, saved) }
  })
  return fused(x, weight)
}

function rmsNormGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [x, weight, inverseRoot] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
  const normalized = tf.mul(x, inverseRoot)
  const scaled = tf.mul(dy, weight)
  const projection = tf.mul(normalized, tf.mean(tf.mul(scaled, normalized), -1, true))
  const leading = Array.from({ length: x.rank - 1 }, (_, axis) => axis)
  return [tf.mul(tf.sub(scaled, projection), inverseRoot), tf.sum(tf.mul(dy, normalized), leading)]
}
