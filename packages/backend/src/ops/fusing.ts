import { isTracing, tf } from '@tfx/compiler'

/** Whether the gradient of what is computed now may itself be differentiated (a gradient penalty, say). */
export const isNested = (): boolean => tf.engine().state.gradientDepth > 1

/**
 * Whether an op may use a private kernel with a gradient of its own. That gradient takes what the
 * forward pass saved for constants, so in a gradient of a gradient plain ops must do.
 */
export const canFuse = (): boolean => isTracing() && !isNested()
