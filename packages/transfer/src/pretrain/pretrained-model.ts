import type { ParameterStore } from '@tfx/backend'
import { type EncoderConfig, saveCheckpoint, type Tokenizer } from '@tfx/core'
import type { FitResult } from '@tfx/train'
import { projectionName } from './step'

/** How a pretrained model is saved. */
export interface PretrainedSaveOptions {
  /** Of the weights. Default float32. */
  dtype?: 'float32' | 'float16'
  /** Replace a directory that is not empty. Default false. */
  overwrite?: boolean
  /** The configuration to write, for instance with another dropout than in pretraining. Default: the model's. */
  config?: EncoderConfig
}

/** What {@link pretrain} gives. */
export interface PretrainedModel {
  readonly config: EncoderConfig
  /** The loss of every step, the evaluations on held-out text, the time it took. */
  readonly result: FitResult
  /** exp of the mean loss over hidden tokens of the held-out texts, at the end. */
  readonly perplexity: number
  /**
   * Writes a Hugging Face directory that `transfer` and Python's `AutoModelForMaskedLM` load.
   */
  save(directory: string, options?: PretrainedSaveOptions): Promise<void>
  dispose(): void
}

interface PretrainedParts {
  config: EncoderConfig
  tokenizer: Tokenizer
  store: ParameterStore
  result: FitResult
}

export function createPretrainedModel({ config, tokenizer, store, result }: PretrainedParts): PretrainedModel {
  return {
    config,
    result,
    perplexity: result.evaluations.at(-1)?.metrics['perplexity'] ?? Number.NaN,
    save: (directory, { dtype = 'float32', overwrite = false, config: saved = config } = {}) =>
      saveCheckpoint(directory, {
        caller: 'save',
        config: saved,
        task: 'masked-language-modelling',
        tokenizer,
        parameters: {
          shapes: Object.fromEntries(Object.entries(store.shapes).filter(([name]) => name !== projectionName)),
          read: (name) => store.read(name),
        },
        dtype,
        overwrite,
      }),
    dispose: () => store.dispose(),
  }
}
