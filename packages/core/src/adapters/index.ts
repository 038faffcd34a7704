export {
  type Adapter,
  type BitFitAdapter,
  bitFit,
  ia3,
  type Ia3Adapter,
  lora,
  type LoraAdapter,
  type LoraOptions,
  type PromptAdapter,
  promptTuning,
} from './adapter'
export {
  type AdaptedModel,
  adapterSpecs,
  initialAdapter,
  type ReadParameter,
  trainedNames,
} from './adapter-parameters'
export {
  compileForFurther,
  type FurtherParameters,
  shapesOf,
  type StepProgram,
  withFurther,
} from './further-parameters'
export { furtherParametersOf, mergedReader } from './merge'
export { longerThanPrompt, promptName, type PromptedInputs, virtualTokensOf, withPrompt } from './prompt'
export { type AdapterContents, loadAdapter, type LoadedAdapter, saveAdapter } from './peft-file'
