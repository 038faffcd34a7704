import { isTracing, tf } from '@tfx/compiler'
import { canFuse, refuseNested } from './fusing'

/**
 * The Gaussian error linear unit (Hendrycks and Gimpel 2016, arXiv:1606.08415), as torch.nn.functional.gelu.
 *
 * @param approximate `none`: x·Φ(x) by the error function; `tanh`: the approximation of GPT-2. Default `none`.
 */
export function gelu(x: tf.Tensor, approximate: 'none' | 'tanh' = 'none'): tf.Tensor {
  const isDifferentiated = tf.engine().isTapeOn()
  if (isTracing() && !isDifferentiated)
    return tf.engine().runKernel<tf.Tensor>('TfxGelu', { x }, { approximate })
  if (approximate === 'tanh') return geluTanh(x)
  return canFuse() ? geluForTraining(x) : tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))
}

function geluTanh(x: tf.Tensor): tf.Tensor {
  refuseNested('gelu')
  const cube = tf.mul(tf.mul(x, x), x)
  const inner = tf.mul(tf.add(x, tf.mul(cube, 0.044715)), Math.sqrt(2 / Math.PI))
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1))
}

/**
 * Keeps x/√2 and 1 + erf(x/√2), from which the gradient follows with one exponential:
 * Φ(x) + x·φ(x) = ½(1 + erf t) + t·exp(−t²)/√π, with t = x/√2.
 */
const geluForTraining = tf.customGrad((...args) => {
  const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc]
  const t = tf.mul(x, Math.SQRT1_2)
  const twiceCdf = tf.add(tf.erf(t), 1)
  save([t, twiceCdf])
  return {
    value: tf.mul(tf.mul(t, twiceCdf), Math.SQRT1_2),
    gradFunc: (dy, saved) => {
      const [t, twiceCdf] = saved as [tf.Tensor, tf.Tensor]
      const density = tf.mul(t, tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.mul(t, t))))
      return tf.mul(tf.mul(dy, 0.5), tf.add(twiceCdf, density))
    },
  }
})

/** The sigmoid linear unit, x·σ(x) (arXiv:1702.03118), as torch.nn.functional.silu. */
export function silu(x: tf.Tensor): tf.Tensor {
  refuseNested('silu')
  return tf.mul(x, tf.sigmoid(x))
}

/** Softmax over the last axis. */
export function softmax(x: tf.Tensor): tf.Tensor {
  refuseNested('softmax')
  return tf.softmax(x)
}
