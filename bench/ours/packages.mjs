// The built packages of this repository: bench is no workspace package, so it names them by path.
import { fileURLToPath } from 'node:url'

export {
  createOnnxEngine,
  softmaxCrossEntropy,
  getEngine,
  setEngine,
} from '../../packages/backend/dist/index.js'
export { createRandom, mixSeed, sizeOf } from '../../packages/common/dist/index.js'
export { tf } from '../../packages/compiler/dist/index.js'
export {
  adapterSpecs,
  causalLanguageModelLoss,
  createDecoderSteps,
  createSequenceSteps,
  createTokenizer,
  encodeTexts,
  exportDecoder,
  formatConfig,
  generate,
  huggingFaceWeights,
  ia3,
  initializeParameter,
  loadCheckpoint,
  loadTokenizer,
  lora,
  modelFamily,
  openGguf,
  openSafetensors,
  promptTuning,
  readConfig,
  trainedNames,
} from '../../packages/core/dist/index.js'
export { load, transfer as transferChat } from '../../packages/chat/dist/index.js'
export { readRows, shuffledBatches, split } from '../../packages/data/dist/index.js'
export { createBleu, createChrf, createTer } from '../../packages/metrics/dist/index.js'
export { transfer } from '../../packages/sentiment/dist/index.js'
export { transfer as trainSummarizer } from '../../packages/summarization/dist/index.js'
export {
  adamW,
  clipCoefficient,
  compose,
  fitSlots,
  globalNorm,
  keyboardTypos,
  linearSchedule,
  parameterGroups,
  wordDeletion,
  wordSwap,
} from '../../packages/train/dist/index.js'
export {
  scratchBase,
  scratchSettings,
  transfer as trainTranslator,
} from '../../packages/translation/dist/index.js'

/** The directory of a package, such as a base: bench has no node_modules of its own to find it in. */
export const packageDirectory = (name) => fileURLToPath(new URL(`../../packages/${name}`, import.meta.url))
