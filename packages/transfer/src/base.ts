import { ArgumentError } from '@tfx/common'
import {
  type Checkpoint,
  type GenerationConfig,
  loadCheckpoint,
  type LoadParametersOptions,
  type LoadReport,
  type ModelConfig,
  modelFamily,
  type ModelKind,
  parseGenerationConfig,
  resolveBase,
  type Task,
  type Tokenizer,
  virtualTokensOf,
} from '@tfx/core'
import { initializeMissing } from './initialize-missing'
import { weightsOf } from './model-weights'
import type { TransferOptions } from './options'
import type { Weights } from './runtime'

/** A model in memory: made by `transfer`, `load` or `pretrain`, and not disposed of. */
export interface TrainedModel {
  readonly config: ModelConfig
  dispose(): unknown
}

/** A model of one's own that starts from random weights: for instance a `transformerConfig` and a tokenizer trained for it. */
export interface NewModel {
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer
}

/** A base: a hub id, a directory, an installed npm package, a model that was just trained, or a new one. */
export type Base = string | TrainedModel | NewModel

/** A base that has been found; its weights are not in memory yet. */
export interface OpenedBase {
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer
  /** How the base is meant to write; empty where it does not. */
  readonly generation: Partial<GenerationConfig>
  /** Fills a store with the weights, new ones where the base has none; returns the names of what was new. */
  read(target: Weights, options: { task: Task; seed: number }): Promise<string[]>
}

/**
 * Finds a base of the kind that a task takes.
 *
 * @throws CheckpointError, NetworkError, ArgumentError
 */
export async function openBase(
  base: Base,
  { kind, cacheDirectory, signal }: Pick<TransferOptions, 'cacheDirectory' | 'signal'> & { kind: ModelKind },
): Promise<OpenedBase> {
  if (typeof base === 'string') {
    const { directory } = await resolveBase(base, {
      ...(cacheDirectory !== undefined && { cacheDirectory }),
      ...(signal && { signal }),
    })
    return openDirectory(directory, kind)
  }
  const given: unknown = base
  if (typeof given === 'object' && given !== null) {
    const weights = weightsOf(given)
    if (weights && virtualTokensOf(weights.store) > 0) throw promptedBase()
    if (weights) return openModel(requireKind(weights, kind))
    if ('tokenizer' in given && 'config' in given) return openNew(requireKind(given as NewModel, kind))
  }
  throw new ArgumentError({
    function: 'transfer',
    argument: 'base',
    expected:
      'a hub id, a directory, an npm package, a model of transfer, load or pretrain that is not disposed of, or ' +
      '{ config, tokenizer }',
    received: given === null ? 'null' : typeof given,
    remedy: "For instance transfer('@tfx/base-encoder', 'reviews.csv').",
  })
}

const promptedBase = () =>
  new ArgumentError({
    function: 'transfer',
    argument: 'base',
    expected: 'a model whose weights say all that it has learned',
    received: 'one that reads a learned prompt',
    remedy: 'Train from the base that the prompt was trained on.',
  })

/** @throws ArgumentError if the model is of another kind than the task takes. */
function requireKind<Model extends { readonly config: ModelConfig }>(model: Model, kind: ModelKind): Model {
  const received = modelFamily(model.config.modelType as string).kind
  if (received === kind) return model
  throw new ArgumentError({
    function: 'transfer',
    argument: 'base',
    expected: `one of kind '${kind}', which this task takes`,
    received: `one of kind '${received}'`,
    remedy: 'Choose another base, or the package of another task.',
  })
}

/** A checkpoint of whatever kind, as `loadCheckpoint` gives it. */
interface AnyCheckpoint extends Pick<Checkpoint, 'config' | 'tokenizer' | 'generation'> {
  loadParameters(task: Task, options: LoadParametersOptions): Promise<LoadReport>
}

/** A checkpoint on disk of some kind. @throws CheckpointError */
export async function openDirectory(directory: string, kind: ModelKind): Promise<OpenedBase> {
  const checkpoint: AnyCheckpoint = await loadCheckpoint(directory, { kind })
  const { config, tokenizer, generation } = checkpoint
  return {
    config,
    tokenizer,
    generation,
    async read({ config, store }, { task, seed }) {
      const report = await checkpoint.loadParameters(task, {
        config,
        seed,
        write: (name, values) => store.write(name, values),
      })
      return [...report.newlyInitialised]
    },
  }
}

/** A model just trained: its weights are copied, its head only where the labels are the same. */
function openModel({ config, tokenizer, generation, store }: Weights): OpenedBase {
  return {
    config,
    tokenizer,
    generation: generation ?? {},
    async read(target, { task, seed }) {
      const isSame = JSON.stringify(config.labels) === JSON.stringify(target.config.labels)
      return initializeMissing(target, { task, seed, from: { store, keepHead: isSame } })
    },
  }
}

/** A model of one's own: all of it is new, which is no news. */
function openNew({ config, tokenizer }: NewModel): OpenedBase {
  return {
    config,
    tokenizer,
    // As a checkpoint without generation_config.json: what config.json says of it, such as the token that ends a text.
    generation: parseGenerationConfig(config.source),
    async read(target, options) {
      await initializeMissing(target, options)
      return []
    },
  }
}
