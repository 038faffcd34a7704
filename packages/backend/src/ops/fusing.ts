import { EngineError } from '@tfx/common'
import { isTracing, tf } from '@tfx/compiler'

/** Whether the gradient of what is computed now may itself be differentiated (a gradient penalty, say). */
const isNested = () => tf.engine().state.gradientDepth > 1

/**
 * Whether an op may use a private kernel with a gradient of its own. That gradient takes what the
 * forward pass saved for constants, so in a gradient of a gradient plain ops must do.
 */
export const canFuse = (): boolean => isTracing() && !isNested()

/**
 * Called by ops made of softmax, sigmoid or tanh. Of these TensorFlow.js computes the gradient from
 * their result, which it takes for a constant: in a gradient of a gradient it is silently wrong.
 *
 * @throws EngineError where that would happen.
 */
export function refuseNested(op: string): void {
  if (!isNested()) return
  throw new EngineError({
    function: op,
    received: 'called inside a gradient that is differentiated again, which TensorFlow.js gets wrong',
    remedy: 'Differentiate it once only.',
  })
}
