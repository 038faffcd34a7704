// tfjs-core's Node entry registers no gradients, so this package bundles their registration
// (see noExternal in tsup.config.ts). The registry is global: a second copy of the code shares it.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js'

/**
 * TensorFlow.js core, with every gradient registered. All tfx packages import tfjs from here, so
 * that there is one copy and one owner.
 */
export * as tf from '@tensorflow/tfjs-core'
