// Before the gradients: whichever copy of the tfjs classes is loaded first makes all tensors, and
// only those of the package's own entry know every method (`tensor.cast`, `tensor.add`, …).
import { registerGradient } from '@tensorflow/tfjs-core'
// tfjs-core's Node entry registers no gradients, so this package bundles their registration
// (see noExternal in tsup.config.ts). The registry is global: a second copy of the code shares it.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js'
import { tileGradient } from './tile-gradient'

registerGradient(tileGradient)

/**
 * TensorFlow.js core, with every gradient registered. All tfx packages import tfjs from here, so
 * that there is one copy and one owner.
 */
export * as tf from '@tensorflow/tfjs-core'
