import type { ParameterStore } from '@tfx/backend'
import {
  type ModelConfig,
  modelFamily,
  type ModelKind,
  saveCheckpoint,
  type Task,
  type Tokenizer,
} from '@tfx/core'
import type { FitResult } from '@tfx/train'
import { forgetWeights, registerWeights } from '../model-weights'

/** How a pretrained model is saved. */
export interface PretrainedSaveOptions<Config extends ModelConfig = ModelConfig> {
  /** Of the weights. Default float32. */
  dtype?: 'float32' | 'float16'
  /** Replace a directory that is not empty. Default false. */
  overwrite?: boolean
  /** The configuration to write, for instance with another dropout than in pretraining. Default: the model's. */
  config?: Config
}

/** What {@link pretrain} gives. */
export interface PretrainedModel<Config extends ModelConfig = ModelConfig> {
  readonly config: Config
  /** The loss of every step, the evaluations on held-out text, the time it took; absent if it was interrupted. */
  readonly result?: FitResult
  /** exp of the mean loss over all tokens to predict in the held-out texts, at the end; NaN if it was interrupted. */
  readonly perplexity: number
  /**
   * Writes a Hugging Face directory that `transfer` and Python's `AutoModelForMaskedLM`, `AutoModelForSeq2SeqLM` or
   * `AutoModelForCausalLM` load. It appears whole or not at all.
   *
   * @throws FileSystemError if the directory is not empty, or cannot be written.
   */
  save(directory: string, options?: PretrainedSaveOptions<Config>): Promise<void>
  /** Frees the weights. The model cannot be used afterwards. */
  dispose(): void
}

interface PretrainedParts<Config extends ModelConfig> {
  config: Config
  tokenizer: Tokenizer
  store: ParameterStore
  /** Parameters of training alone. */
  unsaved: readonly string[]
  result?: FitResult
}

/** The head that a model of each kind is saved with. */
const savedTasks = {
  encoder: 'masked-language-modelling',
  'encoder-decoder': 'sequence-to-sequence',
  decoder: 'causal-language-modelling',
} as const satisfies Record<ModelKind, Task>

/** Puts a pretrained model together; it can be saved, or be the base of a transfer. */
export function createPretrainedModel<Config extends ModelConfig>(
  parts: PretrainedParts<Config>,
): PretrainedModel<Config> {
  const { config, tokenizer, store, unsaved, result } = parts
  const { kind } = modelFamily(config.modelType as string)
  const model: PretrainedModel<Config> = {
    config,
    ...(result && { result }),
    perplexity: result?.evaluations.at(-1)?.metrics.perplexity ?? Number.NaN,
    save: (directory, { dtype = 'float32', overwrite = false, config: saved = config } = {}) =>
      saveCheckpoint(directory, {
        caller: 'save',
        config: saved,
        task: savedTasks[kind],
        tokenizer,
        parameters: {
          shapes: Object.fromEntries(
            Object.entries(store.shapes).filter(([name]) => !unsaved.includes(name)),
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
