import type { Adapter } from '@tfx/core'
import type { RowSource } from '@tfx/data'
import type {
  Augmentation,
  BestMetric,
  CheckpointSettings,
  GradientClipping,
  NamedSchedule,
  Optimizer,
  OptimizerName,
  PlateauOptions,
  Schedule,
  ScheduledRun,
  ScheduleName,
  TrainingEvent,
} from '@tfx/train'

/** What every `transfer` can be told. Defaults are those of Hugging Face's Trainer unless stated. */
export interface TransferOptions {
  /** How often to go through the training data; fractions are allowed. Default 3. */
  epochs?: number
  /** Stop after so many optimizer steps instead, however many epochs those take; 0 for as many as `epochs` has. Default 0. */
  maxSteps?: number
  /** Examples in a batch. Default 8. */
  batchSize?: number
  /**
   * The highest learning rate. Default 5e-5, which suits AdamW; Adafactor wants 1e-3, Lion 1e-5. With `find` a hundred steps
   * at rising rates are tried first and undone, and what `findLearningRate` of `@tfx/train` suggests is taken; `onEvent` is
   * told of it, with the curve.
   */
  learningRate?: number | 'find'
  /** By name, with its usual settings, or made by a function of `@tfx/train`. Default `adamW`. */
  optimizer?: OptimizerName | Optimizer
  /** How the rate changes: a name of Hugging Face, `{ name: 'cosine_with_min_lr', minRatio: 0.1 }` with settings, or a function that makes a schedule for the run. Default `linear`. */
  schedule?: ScheduleName | NamedSchedule | ((run: ScheduledRun) => Schedule)
  /** The factor on the learning rate from each layer to the one below it. Default 1. */
  layerwiseDecay?: number
  /**
   * Thaws the model from its head down: the last layer joins after so many steps, and each layer below after as many more; 0
   * trains all from the start. Default 0.
   */
  gradualUnfreezing?: number
  /**
   * Lowers the rate when the metric of `bestMetric` stops improving: torch's ReduceLROnPlateau, with its defaults. The schedule is
   * `constant` then unless another is given. Default: none.
   */
  plateau?: Omit<PlateauOptions, 'learningRate' | 'mode'>
  /** The share of the steps over which the rate rises from 0. Default 0. */
  warmupRatio?: number
  /** Weight decay of the optimizer by name, on everything but biases and norms. Default 0. */
  weightDecay?: number
  /** Clips the gradient to this global L2 norm; 0 turns clipping off. Default 1. */
  maxGradientNorm?: number
  /** Clips in another way instead: by value, by parameter, or adaptively. Default: by `maxGradientNorm`. */
  clipping?: GradientClipping
  /** Batches for each optimizer step. Default 1. */
  gradientAccumulationSteps?: number
  /**
   * Keep less of each forward pass and compute it again for the gradients, so that larger batches and longer texts fit:
   * activations take less than half of the memory, a step takes longer, and the model is the same. Not on a tfjs engine.
   * Default false.
   */
  gradientCheckpointing?: boolean
  /** Decides the split, the order, new weights and dropout: the same seed gives the same model. Default 42. */
  seed?: number
  /**
   * `length` puts texts of like length into one batch, which saves padding and up to half of the time;
   * `random` is Hugging Face's default. Default `length`.
   */
  batching?: 'length' | 'random'
  /** Texts are cut to so many tokens. Default: what the base takes, and longer texts are an error. */
  maxLength?: number
  /** Cut texts that are longer than `maxLength`. Default: true if `maxLength` is given. */
  truncation?: boolean
  /** Dropout rate of the hidden layers, attention and classifier. Default: the base's own. */
  dropout?: number
  /**
   * Changes the texts that are learned from, anew each epoch, never those of validation: `eda`, `keyboardTypos` and the
   * others of `@tfx/train`. Texts that become too long are cut. Default: none.
   */
  augmentation?: Augmentation
  /**
   * What to evaluate on as `evaluateEvery` says: a data set, the share of the examples to set aside, or
   * false for none. Default 0.1.
   */
  validation?: RowSource | number | false
  /** Evaluate after each epoch, or each so many steps and after the last. Default `epoch`. */
  evaluateEvery?: 'epoch' | number
  /** End with the weights of the best evaluation instead of the last. Default true. */
  keepBest?: boolean
  /**
   * Which metric of the evaluations says what the best is, for `keepBest` and `earlyStoppingPatience`: a name, of which more is
   * better unless it is a loss, a perplexity, an error or TER, or a name with its direction. Default: the task's, accuracy or loss
   * for most.
   */
  bestMetric?: string | BestMetric
  /**
   * Start from random weights instead of the base's, with its architecture and tokenizer: shows what the
   * base is worth. Default false.
   */
  fromScratch?: boolean
  /**
   * Train few parameters instead of all: `lora`, `ia3` or `bitfit` with their usual settings, or one made by a function of
   * `@tfx/core`. The others cost neither gradients nor optimizer state. Rates are higher than usual: 1e-4 to 1e-3.
   */
  adapter?: AdapterName | Adapter
  /**
   * How the frozen weights of the base are kept while an adapter trains: as `float16` they take half the memory, as `int8`, with
   * a scale for each row, a quarter. They are rounded first and computed with as float32, so the adapter learns what suits the
   * rounded weights, and the model that comes of it has them. On the CPU only. Default `float32`.
   */
  basePrecision?: 'float32' | 'float16' | 'int8'
  /** Evaluate and end with a moving average of the weights that keeps this share at each step; 0 for none. Default 0. */
  emaDecay?: number
  /**
   * Evaluate and end with the plain mean of the weights after every step from this share of the training on (stochastic weight
   * averaging); 0.75 is usual, 0 for none. Default 0.
   */
  swaStart?: number
  /** End when so many evaluations in a row have not improved the metric; 0 for never. Default 0. */
  earlyStoppingPatience?: number
  /**
   * Learn from each batch's worst neighbour too, its word embeddings moved by this norm (FGM): often a little better, at
   * twice the time. 1 is usual, 0 for none. Default 0.
   */
  adversarialEpsilon?: number
  /**
   * Uniform noise on the embeddings of words, NEFTune's alpha: 5 to 15 are usual, and each embedding moves by alpha divided by
   * the root of text length times embedding size at most. Default 0.
   */
  neftuneAlpha?: number
  /**
   * R-Drop's alpha: every batch is read twice with other dropout, and how far the two answers are apart counts so much in the
   * loss; 0.5 to 5 are usual. For classification. Default 0.
   */
  rDrop?: number
  /**
   * Mixup's alpha: the embeddings of every text are mixed with those of another of its batch, and so are their labels, by a
   * share of the distribution Beta(alpha, alpha); 0.1 to 1 are usual. For classification. Default 0.
   */
  mixup?: number
  /** Rate at which the parts of the last layer are left out, those of earlier layers at less: stochastic depth. Default 0. */
  stochasticDepth?: number
  /** How many steps in a row may be left out because their loss or gradient is not finite. Default 0. */
  skipNonFinite?: number
  /**
   * A directory to save the state of the run in, by time and at the end of each epoch. A run that was cut, by a crash or a
   * kill, goes on from there when the same call is made again, and ends with the same weights to the bit. Default: none.
   */
  checkpoints?: string | Omit<CheckpointSettings, 'identity'>
  /** Stops training between two steps; see {@link learnedSoFar}. */
  signal?: AbortSignal
  /** Told everything that happens during training. */
  onEvent?: (event: TrainingEvent) => void
  /** Show progress on stderr. Default true. */
  progress?: boolean
  /**
   * An .html to write a report of the training to: curves, metrics, the examples got wrong, data, settings. Of a training that
   * was aborted it has all but the examples. Default: none.
   */
  report?: string
  /** A directory to write the curves to as TensorBoard reads them. Default: none. */
  tensorBoard?: string
  /** A .jsonl to write every event to, one a line. Default: none. */
  jsonLines?: string
  /**
   * Train, and keep the model, in a worker thread: the event loop of this one stays free, and the model is used as any
   * other. Listeners are told what happens a little later, and optimizers and schedules must be named. Default false.
   */
  thread?: boolean
  /** Where bases from the hub and tokens are kept. Default `~/.cache/tfx`. */
  cacheDirectory?: string
  /** Keep the tokens of data sets of a million characters or more, so that the next run need not make them. Default true. */
  cacheTokens?: boolean
}

/** An adapter with its usual settings. */
export type AdapterName = Adapter['method']

/** The names of all options. */
export const transferOptionNames: readonly string[] = Object.keys({
  epochs: true,
  maxSteps: true,
  batchSize: true,
  learningRate: true,
  optimizer: true,
  schedule: true,
  layerwiseDecay: true,
  gradualUnfreezing: true,
  plateau: true,
  warmupRatio: true,
  weightDecay: true,
  maxGradientNorm: true,
  clipping: true,
  gradientAccumulationSteps: true,
  gradientCheckpointing: true,
  seed: true,
  batching: true,
  maxLength: true,
  truncation: true,
  dropout: true,
  augmentation: true,
  validation: true,
  evaluateEvery: true,
  keepBest: true,
  bestMetric: true,
  fromScratch: true,
  adapter: true,
  basePrecision: true,
  emaDecay: true,
  earlyStoppingPatience: true,
  adversarialEpsilon: true,
  neftuneAlpha: true,
  rDrop: true,
  mixup: true,
  stochasticDepth: true,
  swaStart: true,
  skipNonFinite: true,
  checkpoints: true,
  signal: true,
  onEvent: true,
  progress: true,
  report: true,
  tensorBoard: true,
  jsonLines: true,
  thread: true,
  cacheDirectory: true,
  cacheTokens: true,
} satisfies Record<keyof TransferOptions, true>)

/** The names within options that are objects of settings. */
export const nestedOptionNames: Readonly<Record<string, readonly string[]>> = {
  plateau: Object.keys({
    factor: true,
    patience: true,
    threshold: true,
    thresholdMode: true,
    cooldown: true,
    minLearningRate: true,
    epsilon: true,
  } satisfies Record<keyof (TransferOptions['plateau'] & object), true>),
  clipping: Object.keys({ by: true, maximum: true } satisfies Record<keyof GradientClipping, true>),
  bestMetric: Object.keys({ metric: true, mode: true } satisfies Record<keyof BestMetric, true>),
  checkpoints: Object.keys({
    directory: true,
    everySteps: true,
    everySeconds: true,
    keep: true,
    resume: true,
    onSignals: true,
  } satisfies Record<keyof Omit<CheckpointSettings, 'identity'>, true>),
}
