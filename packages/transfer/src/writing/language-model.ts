import { type Engine, getEngine } from '@tfx/backend'
import { mixSeed, throwIfAborted } from '@tfx/common'
import {
  type CompileForShapes,
  type CompiledStepModel,
  createDecoderSteps,
  createSequenceSteps,
  type GeneratedSequence,
  generate,
  type GenerateOptions,
  type GenerationConfig,
  programMemory,
  type StepModel,
  type StepProgram,
  streamTokens,
  type Tokenizer,
  virtualTokensOf,
} from '@tfx/core'
import { batches } from '@tfx/data'
import type { FitResult } from '@tfx/train'
import { saveTrainedAdapter } from '../adapted'
import { checkOptionNames } from '../check-options'
import type { Weights } from '../runtime'
import { checkSave, saveModel, type SaveOptions } from '../save-model'
import type { Setting } from '../settings'
import { type AdapterChoice, chosenAdapter } from '../switched-adapters'
import type { TrainedParts } from '../task'
import { isEncoderDecoder } from './loss'
import type { WritingModelConfig } from './writing-head'

/** How texts are written: the settings of `generate`, over those of the model's generation_config.json. */
export interface WriteOptions
  extends Omit<GenerateOptions, 'onToken' | 'onPrompt' | 'cache' | 'shared'>, AdapterChoice {
  /** Prompts that are continued together. Default 16. */
  readonly batchSize?: number
}

/** How one text is written. `cache`, `shared` and `onPrompt` are those of `generate`. */
export interface StreamOptions extends Omit<GenerateOptions, 'onToken'>, AdapterChoice {}

/** Mean loss in nats for each token that is to be written, and exp of it. */
export interface WritingScore extends Record<string, number> {
  readonly loss: number
  readonly perplexity: number
}

/** A trained model that writes, for a task to be made of. Tokens go in and come out. */
export interface LanguageModel<Example, Options, Config extends WritingModelConfig = WritingModelConfig> {
  readonly config: Config
  readonly tokenizer: Tokenizer
  /** How it writes where nothing else is said, and what `save` writes of it. */
  readonly generation: Partial<GenerationConfig>
  /** The most tokens that it reads, beside those of a prompt, the longest of its adapters'. */
  readonly maxLength: number
  /** How many embeddings of a learned prompt it reads in front of a text, at most; 0 without one. */
  readonly virtualTokens: number
  /** Whether longer texts are cut. */
  readonly truncation: boolean
  readonly settings: readonly Setting[]
  readonly notes: readonly string[]
  /** What training did; absent for a model that was loaded. */
  readonly training?: FitResult
  /**
   * Continues prompts, or writes what encoders' inputs call for; in batches of like length.
   *
   * @param prompts Token ids.
   * @returns For each prompt its sequences, the best first.
   * @throws ArgumentError on settings that contradict each other or the prompts, and if there is no such adapter; AbortedError
   *   if the signal fires.
   */
  write(prompts: readonly (readonly number[])[], options?: WriteOptions): Promise<GeneratedSequence[][]>
  /** Continues one prompt, token by token. @throws As `write`. */
  stream(prompt: readonly number[], options?: StreamOptions): AsyncGenerator<number, void>
  /** How well the targets of examples are foretold. @throws DataError as the task's `encode`. */
  measure(
    examples: readonly Example[],
    options: Options & AdapterChoice & { truncation?: boolean; signal?: AbortSignal | undefined },
  ): Promise<WritingScore>
  /**
   * Writes a directory that Python's `transformers` and Transformers.js read.
   *
   * @throws ArgumentError if the model reads a prompt, which is no part of its weights; FileSystemError
   */
  save(directory: string, options?: SaveOptions): Promise<void>
  /** Writes what an adapter has learned, as PEFT reads it. @throws ArgumentError, FileSystemError */
  saveAdapter(directory: string, options?: Pick<SaveOptions, 'overwrite'>): Promise<void>
  /** Frees the weights. */
  dispose(): Promise<void>
}

/** What a language model needs of its task. */
export interface LanguageModelTask<Example, Options> {
  measure(
    model: { readonly program: StepProgram; readonly virtualTokens: number },
    examples: readonly Example[],
    options: Options & { truncation: boolean; signal?: AbortSignal | undefined },
  ): Promise<WritingScore>
  /** Compiles what `measure` runs. */
  readonly compile: CompileForShapes
  onDispose(): void
}

/** Puts a language model together. Programs are compiled when they are first needed. */
export async function createLanguageModel<Example, Options, Config extends WritingModelConfig>(
  {
    weights,
    adapters,
    trainedAdapter,
    maxLength,
    truncation,
    settings,
    notes,
    training,
  }: TrainedParts<Config>,
  task: LanguageModelTask<Example, Options>,
): Promise<LanguageModel<Example, Options, Config>> {
  const { config, tokenizer, store, generation = {} } = weights
  const steps = stepModel(await getEngine(), weights)
  const measuring = programMemory()
  const parametersOf = (name: string | undefined, caller: string) =>
    chosenAdapter(adapters, name, { config, caller }).parameters
  // The same one each time: it keeps what is shared by its texts.
  const adaptedSteps = new Map<string, StepModel>()
  const stepsOf = (name: string | undefined): StepModel => {
    const parameters = parametersOf(name, 'generate')
    if (name === undefined) return steps
    const known = adaptedSteps.get(name) ?? steps.adapted(parameters)
    adaptedSteps.set(name, known)
    return known
  }
  const prompts = Object.values(adapters?.byName ?? {}).map(({ parameters }) =>
    virtualTokensOf(store, parameters),
  )
  const virtualTokens = Math.max(virtualTokensOf(store), ...prompts)
  return {
    config,
    tokenizer,
    generation,
    maxLength: maxLength - virtualTokens,
    virtualTokens,
    truncation,
    settings,
    notes,
    ...(training && { training }),
    write: async (prompts, { adapter, ...options } = {}) =>
      writeAll(stepsOf(adapter), prompts, { ...generation, ...options }),
    async *stream(prompt, { adapter, ...options } = {}) {
      yield* streamTokens(stepsOf(adapter), prompt, { ...generation, ...options })
    },
    async measure(examples, { adapter, ...options }) {
      const parameters = parametersOf(adapter, 'evaluate')
      const program = await measuring.once('loss', parameters, task.compile)
      const model = { program, virtualTokens: virtualTokensOf(store, parameters) }
      return task.measure(model, examples, { truncation, ...(options as unknown as Options) })
    },
    async save(directory, options) {
      const kind = isEncoderDecoder(config) ? 'sequence-to-sequence' : 'causal-language-modelling'
      await saveModel(weights, directory, { ...checkSave(directory, options), task: kind })
    },
    async saveAdapter(directory, options = {}) {
      checkOptionNames(options, ['overwrite'], { caller: 'saveAdapter' })
      await saveTrainedAdapter(trainedAdapter, directory, options)
    },
    async dispose() {
      task.onDispose()
      await steps.dispose()
      await measuring.dispose()
      store.dispose()
    },
  }
}

function stepModel(
  engine: Engine,
  { config, store, precision }: Weights<WritingModelConfig>,
): CompiledStepModel {
  return isEncoderDecoder(config)
    ? createSequenceSteps(engine, { config: config, store, precision })
    : createDecoderSteps(engine, { config: config, store, precision })
}

async function writeAll(
  steps: StepModel,
  prompts: readonly (readonly number[])[],
  { batchSize = 16, seed = 42, ...options }: Omit<WriteOptions, 'adapter'>,
): Promise<GeneratedSequence[][]> {
  if (prompts.length === 0) return []
  const written: GeneratedSequence[][] = []
  for (const indices of batches(prompts, { batchSize, shuffle: false, lengthOf: ({ length }) => length })) {
    throwIfAborted(options.signal, 'generate')
    const chosen = indices.map((index) => prompts[index]!)
    // What is no number is left as it is, for `generate` to refuse.
    const own = Number.isFinite(seed) ? mixSeed(seed, indices[0]!) : seed
    const sequences = await generate(steps, chosen, { ...options, seed: own })
    indices.forEach((index, row) => (written[index] = sequences[row]!))
  }
  return written
}
