export type { CompiledStepModel, InferencePrecision } from './cached-steps'
export { createDecoderSteps } from './decoder-steps'
export { generate, streamText, streamTokens, type GenerateOptions, type ReadPrompt } from './generate'
export {
  formatGenerationConfig,
  generationDefaults,
  parseGenerationConfig,
  type GenerationConfig,
} from './generation-config'
export type { TokenHistory } from './history'
export type { LogitsProcessor } from './processors/processor'
export { type CompileForShapes, type ProgramMemory, programMemory } from './program-memory'
export { createPromptCache, type PromptCache, type PromptLease } from './prompt-cache'
export type { GeneratedSequence, WrittenToken } from './sampling'
export type { PromptBatch, StepHiddenStates, StepModel, StepPlan, StepSession } from './step-model'
export { createSequenceSteps } from './sequence-steps'
export type { FinishReason } from './stopping'
