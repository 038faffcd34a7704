import { ArgumentError } from '@tfx/common'
import { type ModelConfig, modelFamily, type ModelKind, type Tokenizer } from '@tfx/core'
import type { CheckpointSettings, Optimizer, TrainingEvent } from '@tfx/train'
import { checkMaxLength, longestInput } from '../check-options'
import type { DistillationTargets } from './masked-batches'

/** An input of an encoder-decoder and what it is to write for it. */
export interface PretrainPair {
  readonly input: string
  readonly target: string
}

/** Options of {@link pretrain}. */
export interface PretrainOptions<Config extends ModelConfig = ModelConfig> {
  /** The architecture, from {@link readConfig}; its vocabulary must hold the tokenizer's. */
  config: Config
  tokenizer: Tokenizer
  /** Sentences or paragraphs to learn from. */
  texts: readonly string[]
  /** Texts of the same kind that are never trained on, to measure perplexity. */
  heldOut: readonly string[]
  /**
   * Tokens of an input. An encoder reads texts one by one, cut to so many; for the others texts are joined and cut into
   * blocks of so many. Default 64 for an encoder, else 128, or what the configuration allows.
   */
  maxLength?: number
  /** Optimizer steps; epochs follow one another until then. */
  steps: number
  /** Default 64. */
  batchSize?: number
  /** Default 1e-3. */
  learningRate?: number
  /** The share of the steps over which the rate rises. Default 0.06. */
  warmupRatio?: number
  /** Default 0.01, on everything but biases and norms. */
  weightDecay?: number
  /** Default: AdamW with `weightDecay`. */
  optimizer?: Optimizer
  /** Not for decoders: the share of the tokens to predict. Default 0.15. */
  maskRate?: number
  /** For encoder-decoders: how many tokens a hidden span has on average. Default 3. */
  meanSpanLength?: number
  /**
   * For encoder-decoders: tasks to learn beside the text, each once an epoch and cut to `maxLength`. Batches hold inputs of
   * like length, so mostly of one kind. The held-out perplexity is of text alone.
   */
  pairs?: readonly PretrainPair[]
  /**
   * For encoders: a teacher's sentence embeddings of `texts`, to be imitated by the pooled output: the loss becomes
   * `weight` × (1 − cosine) + `maskedWeight` × the masked language modelling loss. Both default to 1.
   */
  distillation?: DistillationTargets & { weight?: number; maskedWeight?: number }
  /** Values to start from instead of random ones, where it returns some. */
  initialValues?: (name: string, shape: readonly number[]) => Float32Array | undefined
  /**
   * A directory to save the state of the run in, by time and at the end of each epoch. A run that was cut goes on from there
   * when the same call is made again, and ends with the same weights to the bit. Default: none.
   */
  checkpoints?: string | Omit<CheckpointSettings, 'identity'>
  /** Evaluate each so many steps. Default: once, at the end. */
  evaluateEvery?: number
  /** Default 42. */
  seed?: number
  signal?: AbortSignal
  /** Default: a progress bar or lines on stderr. */
  onEvent?: (event: TrainingEvent) => void
}

/** The options that have a default, with it. */
export type ResolvedPretrainOptions<Config extends ModelConfig = ModelConfig> = PretrainOptions<Config> &
  Required<
    Pick<
      PretrainOptions,
      | 'maxLength'
      | 'batchSize'
      | 'learningRate'
      | 'warmupRatio'
      | 'weightDecay'
      | 'maskRate'
      | 'meanSpanLength'
      | 'pairs'
      | 'evaluateEvery'
      | 'seed'
    >
  >

/** @throws ArgumentError on what cannot be meant, or if configuration, tokenizer and texts do not fit together. */
export function resolvePretrainOptions(options: PretrainOptions): ResolvedPretrainOptions {
  const { kind } = modelFamily(options.config.modelType as string)
  checkKind(options, kind)
  const longest = longestInput(options)
  const resolved = {
    ...options,
    maxLength: options.maxLength ?? Math.min(kind === 'encoder' ? 64 : 128, longest),
    batchSize: options.batchSize ?? 64,
    learningRate: options.learningRate ?? 1e-3,
    warmupRatio: options.warmupRatio ?? 0.06,
    weightDecay: options.weightDecay ?? 0.01,
    maskRate: options.maskRate ?? 0.15,
    meanSpanLength: options.meanSpanLength ?? 3,
    pairs: options.pairs ?? [],
    evaluateEvery: options.evaluateEvery ?? options.steps,
    seed: options.seed ?? 42,
  }
  check(resolved)
  checkMaxLength(resolved.maxLength, longest, 'pretrain')
  return resolved
}

/** Which kinds of models an option is for, where not for all. */
const kindsOf = {
  distillation: ['encoder'],
  maskRate: ['encoder', 'encoder-decoder'],
  meanSpanLength: ['encoder-decoder'],
  pairs: ['encoder-decoder'],
} as const satisfies Partial<Record<keyof PretrainOptions, readonly ModelKind[]>>

function checkKind(options: PretrainOptions, kind: ModelKind): void {
  for (const [name, kinds] of Object.entries(kindsOf) as [keyof typeof kindsOf, readonly ModelKind[]][]) {
    if (options[name] === undefined || kinds.includes(kind)) continue
    throw wrong(name, `absent for models that are no ${kinds.join(' or ')}`, 'given')
  }
}

/** The token that ends a text. @throws ArgumentError if the configuration names none. */
export function endOfText({ eosTokenIds }: { readonly eosTokenIds: readonly number[] }): number {
  const [end] = eosTokenIds
  if (end === undefined) throw wrong('config', "one whose 'eos_token_id' ends a text", 'one without')
  return end
}

function check(options: ResolvedPretrainOptions): void {
  const { config, tokenizer, texts, heldOut, distillation } = options
  if (texts.length === 0) throw wrong('texts', 'at least one text', 'none')
  if (heldOut.length === 0) throw wrong('heldOut', 'at least one text', 'none')
  for (const name of ['steps', 'batchSize', 'evaluateEvery'] as const) {
    if (Number.isInteger(options[name]) && options[name] >= 1) continue
    throw wrong(name, 'a positive integer', String(options[name]))
  }
  const { maskRate, meanSpanLength, warmupRatio } = options
  if (!(meanSpanLength >= 1)) throw wrong('meanSpanLength', 'a number of at least 1', String(meanSpanLength))
  if (!(maskRate > 0 && maskRate <= 1)) throw wrong('maskRate', 'above 0 and at most 1', String(maskRate))
  if (!(warmupRatio >= 0 && warmupRatio <= 1)) throw wrong('warmupRatio', 'from 0 to 1', String(warmupRatio))
  if (tokenizer.vocabSize > config.vocabSize) {
    throw wrong(
      'config',
      `of a vocabulary of at least the tokenizer's ${tokenizer.vocabSize}`,
      String(config.vocabSize),
    )
  }
  if (distillation && distillation.embeddings.length !== texts.length * distillation.size) {
    const expected = `${texts.length} × ${distillation.size} numbers, one row for each text`
    throw wrong('distillation.embeddings', expected, String(distillation.embeddings.length))
  }
}

function wrong(argument: string, expected: string, received: string): ArgumentError {
  return new ArgumentError({
    function: 'pretrain',
    argument,
    expected,
    received,
    remedy: 'See the recipe of @tfx/base-encoder for a complete example.',
  })
}
