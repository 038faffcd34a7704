export {
  betaSample,
  mixedLoss,
  mixedMask,
  mixRows,
  mixWords,
  mixupPlan,
  type MixupPlan,
  type MixupTensors,
} from './mixup'
export { noisyEmbeddings, type NoisyEmbeddingsOptions } from './neftune'
export { rDropLoss, symmetricDivergence, type TwoPasses } from './r-drop'
