import type { ParameterStore } from '@tfx/backend'
import { type EncoderConfig, saveCheckpoint, type Tokenizer } from '@tfx/core'
import type { FitResult } from '@tfx/train'
import { forgetWeights, registerWeights } from '../model-weights'
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
  /** The loss of every step, the evaluations on held-out text, the time it took; absent if it was interrupted. */
  readonly result?: FitResult
  /** exp of the mean loss over hidden tokens of the held-out texts, at the end; NaN if it was interrupted. */
  readonly perplexity: number
  /**
   * Writes a Hugging Face directory that `transfer` and Python's `AutoModelForMaskedLM` load. It appears whole or
   * not at all.
   *
   * @throws FileSystemError if the directory is not empty, or cannot be written.
   */
  save(directory: string, options?: PretrainedSaveOptions): Promise<void>
  /** Frees the weights. The model cannot be used afterwards. */
  dispose(): void
}

interface PretrainedParts {
  config: EncoderConfig
  tokenizer: Tokenizer
  store: ParameterStore
  result?: FitResult
}

/** Puts a pretrained model together; it can be saved, or be the base of a transfer. */
export function createPretrainedModel(parts: PretrainedParts): PretrainedModel {
  const { config, tokenizer, store, result } = parts
  const model: PretrainedModel = {
    config,
    ...(result && { result }),
    perplexity: result?.evaluations.at(-1)?.metrics.perplexity ?? Number.NaN,
    save: (directory, { dtype = 'float32', overwrite = false, config: saved = config } = {}) =>
      saveCheckpoint(directory, {
        caller: 'save',
        config: saved,
        task: 'masked-language-modelling',
        tokenizer,
        parameters: {
          shapes: Object.fromEntries(
            Object.entries(store.shapes).filter(([name]) => name !== projectionName),
          ),
          read: (name) => store.read(name),
        },
        dtype,
        overwrite,
      }),
    dispose() {
      forgetWeights(model)
      store.dispose()
    },
  }
  registerWeights(model, { config, tokenizer, store })
  return model
}
