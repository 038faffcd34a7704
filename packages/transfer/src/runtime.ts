import {
  type CompileOptions,
  type Engine,
  getEngine,
  type ParameterStore,
  type Program,
  type SlotSpec,
  type StoreOptions,
} from '@tfx/backend'
import { type HostTensor, throwIfAborted } from '@tfx/common'
import {
  compileForFurther,
  type EncoderConfig,
  type GenerationConfig,
  type InferencePrecision,
  longerThanPrompt,
  type ModelConfig,
  modelFamily,
  type ParameterSpecs,
  shapesOf,
  type StepProgram,
  type Task,
  type Tokenizer,
  withPrompt,
} from '@tfx/core'
import { batches, type Encoding } from '@tfx/data'
import { modelInputs, modelInputSpecs } from './encode'
import type { TaskHead } from './head'
import type { EncodedExample } from './task'

/** A model's weights with what is needed to use them. */
export interface Weights<Config extends ModelConfig = ModelConfig> {
  readonly config: Config
  readonly tokenizer: Tokenizer
  /** How the model is meant to write; absent where it does not. */
  readonly generation?: Partial<GenerationConfig>
  readonly store: ParameterStore
  /** What it computes with when it answers. Default float32. */
  readonly precision?: InferencePrecision
}

/** What a store is for: a model, what is added to it, and which of its weights are kept in fewer bits. */
interface StoreContents extends StoreOptions {
  readonly config: ModelConfig
  readonly task: Task
  readonly added?: ParameterSpecs
}

/** A new store for a model. */
export function createStore(
  engine: Engine,
  { config, task, added = {}, narrow = {} }: StoreContents,
  slots: readonly SlotSpec[] = [],
): ParameterStore {
  const specs = modelFamily(config.modelType as string).parameterShapes(config, task)
  return engine.createStore(shapesOf({ ...specs, ...added }), slots, { narrow })
}

/** How a program without gradients is compiled for some weights: as precisely as they say, for texts behind their prompt. */
export const inferenceOptions = (
  { store, precision = 'float32' }: Pick<Weights, 'store' | 'precision'>,
  further: Readonly<Record<string, readonly number[]>> = {},
): Pick<CompileOptions, 'parameters' | 'packParameters' | 'longerThan'> => ({
  parameters: store,
  ...(precision !== 'float32' && { packParameters: precision }),
  ...longerThanPrompt({ ...store.shapes, ...further }),
})

/**
 * Compiles a model's forward pass: what prediction and evaluation run.
 *
 * @param shapes Of parameters that come with every run, as of `compileForFurther`. Default: none.
 */
export async function compileForward(
  head: Pick<TaskHead<never, unknown, never>, 'forward'>,
  weights: Weights<EncoderConfig>,
  shapes: Readonly<Record<string, readonly number[]>> = {},
): Promise<Program> {
  const { config } = weights
  const family = modelFamily(config.modelType)
  return compileForFurther(
    await getEngine(),
    {
      step: ({ inputs, parameters }) =>
        head.forward(parameters, withPrompt(parameters, inputs) as never, {
          family,
          config,
          training: false,
        }),
      inputs: modelInputSpecs(config),
      ...inferenceOptions(weights, shapes),
    },
    shapes,
  )
}

/** One batch of results. */
export interface ForwardBatch<Example> {
  /** Places of the examples in the list that came in. */
  readonly indices: readonly number[]
  readonly examples: readonly Example[]
  readonly encodings: readonly Encoding[]
  readonly outputs: Readonly<Record<string, HostTensor>>
}

/** Runs the forward pass over examples, longest first, in batches of like length. */
export async function* forward<Example>(
  program: StepProgram,
  encoded: readonly EncodedExample<Example>[],
  options: Pick<Weights<EncoderConfig>, 'config' | 'tokenizer'> & {
    batchSize: number
    signal?: AbortSignal | undefined
  },
): AsyncGenerator<ForwardBatch<Example>> {
  if (encoded.length === 0) return
  const { batchSize, signal } = options
  const lengthOf = ({ encoding }: EncodedExample<Example>) => encoding.inputIds.length
  for (const indices of batches(encoded, { batchSize, shuffle: false, lengthOf })) {
    throwIfAborted(signal, 'predict')
    const chosen = indices.map((index) => encoded[index]!)
    const encodings = chosen.map(({ encoding }) => encoding)
    const { inputs } = modelInputs(encodings, options)
    const examples = chosen.map(({ example }) => example)
    yield { indices, examples, encodings, outputs: await program.run(inputs) }
  }
}

/** Copies one parameter's values between stores of any kind. */
export async function copyParameter(from: ParameterStore, to: ParameterStore, name: string): Promise<void> {
  to.write(name, from.kind === 'memory' ? from.view(name) : await from.read(name))
}
