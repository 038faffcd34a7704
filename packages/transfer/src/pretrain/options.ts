import { ArgumentError } from '@tfx/common'
import type { EncoderConfig, Tokenizer } from '@tfx/core'
import type { TrainingEvent } from '@tfx/train'
import { checkMaxLength, longestInput } from '../check-options'
import type { DistillationTargets } from './batches'

/** Options of {@link pretrain}. */
export interface PretrainOptions {
  /** The architecture, from {@link readConfig}; its vocabulary must hold the tokenizer's. */
  config: EncoderConfig
  tokenizer: Tokenizer
  /** Sentences or paragraphs to learn from. */
  texts: readonly string[]
  /** Texts of the same kind that are never trained on, to measure perplexity. */
  heldOut: readonly string[]
  /** Texts are cut to so many tokens. Default 64, or what the configuration allows. */
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
  /** The share of the tokens to predict. Default 0.15. */
  maskRate?: number
  /**
   * A teacher's sentence embeddings of `texts`, to be imitated by the pooled output: the loss becomes
   * `weight` × (1 − cosine) + `maskedWeight` × the masked language modelling loss. Both default to 1.
   */
  distillation?: DistillationTargets & { weight?: number; maskedWeight?: number }
  /** Values to start from instead of random ones, where it returns some. */
  initialValues?: (name: string) => Float32Array | undefined
  /** Evaluate each so many steps. Default: once, at the end. */
  evaluateEvery?: number
  /** Default 42. */
  seed?: number
  signal?: AbortSignal
  /** Default: a progress bar or lines on stderr. */
  onEvent?: (event: TrainingEvent) => void
}

/** The options that have a default, with it. */
export type ResolvedPretrainOptions = PretrainOptions &
  Required<
    Pick<
      PretrainOptions,
      | 'maxLength'
      | 'batchSize'
      | 'learningRate'
      | 'warmupRatio'
      | 'weightDecay'
      | 'maskRate'
      | 'evaluateEvery'
      | 'seed'
    >
  >

/** @throws ArgumentError on what cannot be meant, or if configuration, tokenizer and texts do not fit together. */
export function resolvePretrainOptions(options: PretrainOptions): ResolvedPretrainOptions {
  const longest = longestInput(options)
  const resolved = {
    ...options,
    maxLength: options.maxLength ?? Math.min(64, longest),
    batchSize: options.batchSize ?? 64,
    learningRate: options.learningRate ?? 1e-3,
    warmupRatio: options.warmupRatio ?? 0.06,
    weightDecay: options.weightDecay ?? 0.01,
    maskRate: options.maskRate ?? 0.15,
    evaluateEvery: options.evaluateEvery ?? options.steps,
    seed: options.seed ?? 42,
  }
  check(resolved)
  checkMaxLength(resolved.maxLength, longest, 'pretrain')
  return resolved
}

function check(options: ResolvedPretrainOptions): void {
  const { config, tokenizer, texts, heldOut, distillation } = options
  if (texts.length === 0) throw wrong('texts', 'at least one text', 'none')
  if (heldOut.length === 0) throw wrong('heldOut', 'at least one text', 'none')
  for (const name of ['steps', 'batchSize', 'evaluateEvery'] as const) {
    if (Number.isInteger(options[name]) && options[name] >= 1) continue
    throw wrong(name, 'a positive integer', String(options[name]))
  }
  const { maskRate, warmupRatio } = options
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
