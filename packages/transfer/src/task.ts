import type { InputSpec, NamedTensors } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import type { ModelConfig, ModelKind, Parameters, Task, Tokenizer } from '@tfx/core'
import type { Encoding, RowSource, Split } from '@tfx/data'
import type { BestMetric, FitResult, JudgedAnswers } from '@tfx/train'
import type { TrainedAdapter } from './adapted'
import type { EncodeOptions, KeepTokensOptions } from './encode'
import type { Weights } from './runtime'
import type { SwitchableAdapters } from './switched-adapters'
import type { Setting, SettingDefaults } from './settings'
import type { LossRegularization } from './training-loss'

/** What reading a data set found out, for people. */
export interface ReadExamples<Example> {
  readonly examples: Example[]
  /** Things worth saying, for instance which columns were taken or how many rows were dropped. */
  readonly notes: readonly string[]
}

/** An example with its tokens. */
export interface EncodedExample<Example> {
  readonly example: Example
  readonly encoding: Encoding
}

/** What a task is, however its model looks: what {@link TaskHead} and {@link WritingHead} say of it. */
export interface TaskBasics<Example, Options, Config extends ModelConfig> {
  /** For instance `sentiment`. */
  readonly name: string
  /**
   * A module that calls `serveThread` with the `transfer` and `load` of the task, for those who ask for a thread:
   * `new URL('./thread.js', import.meta.url)`. Default: none, and such a wish is refused.
   */
  readonly thread?: URL
  /** The names of all `Options`, so that others are refused. */
  readonly options: readonly (keyof Options & string)[]
  /** Settings of every `transfer` that this task has other defaults for. */
  readonly defaults?: SettingDefaults
  /** Reads rows into examples; called for training and for evaluation data. */
  read(
    dataset: RowSource,
    options: Options & { signal?: AbortSignal | undefined },
  ): Promise<ReadExamples<Example>>
  /** The tokenizer that the model is to have, for instance with another chat template. Default: the base's. */
  tokenizer?(given: Tokenizer, examples: readonly Example[], options: Options): Tokenizer
  /** Sets examples aside for validation. */
  split(examples: readonly Example[], options: { fraction: number; seed: number }): Split<Example>
  /** The base's configuration with what the training data decides, such as the labels. */
  configure(config: Config, examples: readonly Example[], options: Options): Config
  /** Fills in options that the training data decides, such as weights by class. Default: none. */
  resolveOptions?(options: Options, examples: readonly Example[]): Options
  /** How often to draw each training example, relative to the others, with replacement. Default: each once an epoch. */
  sampleWeights?(examples: readonly Example[], options: Options): readonly number[] | undefined
  /** Refuses a model that is loaded and is of another task. @throws CheckpointError */
  checkModel?(config: Config): void
}

/** How the examples of a task become tokens. */
export interface EncodeTaskOptions<Options, Config extends ModelConfig> extends EncodeOptions {
  readonly config: Config
  readonly options: Options & KeepTokensOptions
}

/** A batch as a step of the task takes it. */
export interface TaskBatch {
  readonly inputs: Record<string, HostTensor>
  /** How many tokens the model reads, padding left out. */
  readonly tokens: number
}

/** The loss of a task at work. */
export interface LossRun<Options, Config extends ModelConfig> {
  readonly config: Config
  /** True applies dropout. */
  readonly training: boolean
  readonly regularization: LossRegularization
  readonly options: Options
}

/** What measures a model while it is trained. */
export interface Evaluation<Encoded> {
  score(
    examples: readonly Encoded[],
    run: { signal?: AbortSignal | undefined },
  ): Promise<Record<string, number>>
  dispose(): Promise<void>
}

/** What a model is put together from when it is trained or loaded. */
export interface TrainedParts<Config extends ModelConfig = ModelConfig> {
  readonly weights: Weights<Config>
  readonly trainedAdapter?: TrainedAdapter
  /** Adapters to choose from at every call. */
  readonly adapters?: SwitchableAdapters<Config>
  readonly truncation: boolean
  readonly maxLength: number
  readonly settings: readonly Setting[]
  readonly notes: readonly string[]
  readonly training?: FitResult
}

/**
 * All that {@link runTask} asks of a task: how examples become tokens and batches, what is minimised and measured, and what
 * comes out. Most tasks are described by less, a {@link TaskHead} or a {@link WritingHead}; this is for those that learn
 * in a way of their own, such as from preferences.
 *
 * @typeParam Encoded An example with its tokens.
 * @typeParam Model What comes out.
 */
export interface TransferTask<
  Encoded extends EncodedExample<unknown>,
  Options,
  Config extends ModelConfig,
  Model extends object,
> extends TaskBasics<Encoded['example'], Options, Config> {
  /** What kind of model it takes. */
  readonly kind: ModelKind
  /** Which head of the model is trained. */
  readonly task: Task
  /** The metric by which the best evaluation is chosen. */
  readonly best: BestMetric
  /** Whether examples have a `text` (and a `textPair`) that augmentation may change. */
  readonly hasTexts: boolean
  /** What its loss does with `regularization`; other wishes are refused. Default: nothing. */
  readonly regularizes?: readonly (keyof LossRegularization)[]
  /**
   * Whether a learned prompt may be read in front of texts: `encode` leaves `virtualTokens` places there, and `loss` fills
   * them by `withPrompt`. Other adapters need nothing of a task. Default false.
   */
  readonly readsPrompts?: boolean
  /** Finds what the model cannot learn from before training begins. @throws DataError */
  check?(examples: readonly Encoded['example'][], config: Config): void
  /** @throws DataError if texts are longer than `maxLength` and may not be cut. */
  encode(
    examples: readonly Encoded['example'][],
    options: EncodeTaskOptions<Options, Config>,
  ): Promise<Encoded[]>
  /**
   * Takes from the base what learning compares with, before the first step; for instance how likely it finds an answer.
   * Called for training and for validation examples. Default: nothing.
   */
  prepare?(
    encoded: readonly Encoded[],
    run: { weights: Weights<Config>; signal?: AbortSignal | undefined },
  ): Promise<Encoded[]>
  /** Examples of like length make good batches. Default: the number of its tokens. */
  lengthOf?(encoded: Encoded): number
  collate(encoded: readonly Encoded[], model: { config: Config; tokenizer: Tokenizer }): TaskBatch
  /**
   * What the loss of these examples is divided by, so that accumulated batches learn the same as one. Examples that weigh
   * 0 together are left out.
   */
  batchWeight(encoded: readonly Encoded[], run: { config: Config; options: Options }): number
  /** The inputs of the loss by shape; a size with a name may differ between batches. */
  inputs(config: Config): Record<string, InputSpec>
  /** The scalar to minimise: a mean over what `batchWeight` says. */
  loss(parameters: Parameters, inputs: NamedTensors, run: LossRun<Options, Config>): NamedTensors[string]
  evaluation(
    weights: Weights<Config>,
    options: Options,
    settings: { readonly maxLength: number },
  ): Promise<Evaluation<Encoded>>
  /** Sets weights that no gradient finds, once training has ended; returns notes. Default: nothing. */
  finish?(
    weights: Weights<Config>,
    data: { readonly training: readonly Encoded[]; readonly validation: readonly Encoded[] },
    options: Options,
  ): Promise<readonly string[]>
  model(parts: TrainedParts<Config>): Promise<Model>
  /** For tasks whose answer is one label: what a report counts and shows. */
  readonly labelled?: {
    expected(example: Encoded['example']): string
    /** What the model says of some examples. */
    judge(
      this: void,
      model: Model,
      examples: readonly Encoded['example'][],
    ): Promise<Omit<JudgedAnswers, 'name'>>
  }
}
