import type { ResolvedGeneration } from './check-generation'
import type { LogitsProcessor } from './processors/processor'
import type { StepModel, StepSession } from './step-model'
import type { Stopping } from './stopping'

/** One prompt as the model read it. */
export interface PreparedPrompt {
  /** Its tokens, left padding included; the start token of an encoder-decoder. */
  readonly ids: Int32Array
  /** How many of them are padding. */
  readonly padding: number
}

/** What every method of writing works with. */
export interface GenerationRun extends ResolvedGeneration {
  readonly model: StepModel
  readonly session: StepSession
  readonly prompts: readonly PreparedPrompt[]
  readonly processors: readonly LogitsProcessor[]
  readonly stopping: Stopping
  readonly seed: number
  /** @throws AbortError if the caller's signal says so. */
  checkAbort(): void
}
