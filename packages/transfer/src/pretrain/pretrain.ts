import { type Engine, getEngine, type ParameterStore } from '@tfx/backend'
import { ArgumentError, createRandom, mixSeed, sizeOf } from '@tfx/common'
import {
  type EncoderConfig,
  initializeParameter,
  modelFamily,
  type ParameterSpecs,
  type Tokenizer,
} from '@tfx/core'
import { adamW, fit, type FitResult, fitSlots, linearSchedule, progressReporter, type TrainingEvent } from '@tfx/train'
import { type DistillationTargets, maskedBatches, type MaskedBatchesOptions } from './batches'
import { maskingVocabulary } from './vocabulary'
import { maskedInputs, maskedLanguageModelStep, projectionName } from './step'
import { type PretrainedModel, createPretrainedModel } from './pretrained-model'

/** Options of {@link pretrain}. */
export interface PretrainOptions {
  /** The architecture, from {@link readConfig}; its vocabulary size must be the tokenizer's. */
  config: EncoderConfig
  tokenizer: Tokenizer
  /** Sentences or paragraphs to learn from. */
  texts: readonly string[]
  /** Texts of the same kind that are never trained on, to measure perplexity. */
  heldOut: readonly string[]
  /** Texts are cut to so many tokens. Default 64. */
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

/**
 * Pretrains an encoder from random weights by masked language modelling with whole-word masking
 * (Devlin et al. 2018), optionally beside the distillation of a teacher's sentence embeddings.
 *
 * @returns A model that can be saved as a base for {@link transfer}, with its held-out perplexity.
 * @throws ArgumentError if the tokenizer and the configuration disagree, or there are no texts.
 * @throws TrainingAbortedError if `signal` fires.
 */
export async function pretrain(options: PretrainOptions): Promise<PretrainedModel> {
  const { config, tokenizer, texts, heldOut, distillation, seed = 42, maxLength = 64 } = options
  checkOptions(options)
  const engine = await getEngine()
  const family = modelFamily(config.modelType)
  const optimizer = adamW({ weightDecay: options.weightDecay ?? 0.01 })
  const specs: ParameterSpecs = {
    ...family.parameterShapes(config, 'pretraining'),
    ...(distillation && {
      [projectionName]: { shape: [distillation.size, config.hiddenSize], initialize: 'normal' as const },
    }),
  }
  const store = createStore(engine, specs, fitSlots({ optimizer }))
  fillStore(store, specs, { ...options, seed })
  const names = Object.keys(specs)
  const withTargets = distillation && { targets: { shape: ['batch', distillation.size] } }
  const compile = (training: boolean) => {
    const weights = { maskedWeight: distillation?.maskedWeight ?? 1, distillationWeight: distillation?.weight ?? 1 }
    return engine.compile(maskedLanguageModelStep(family, { config, training }, weights), {
      inputs: { ...maskedInputs, ...(training ? withTargets : {}) },
      parameters: store,
      ...(training && { gradients: { of: 'loss', withRespectTo: names } }),
    })
  }
  const [program, evaluation] = [await compile(true), await compile(false)]
  const common = {
    vocabulary: maskingVocabulary(tokenizer, config.vocabSize),
    padTokenId: tokenizer.padTokenId,
    maskRate: options.maskRate ?? 0.15,
    batchSize: options.batchSize ?? 64,
  }
  const encode = (list: readonly string[]) =>
    tokenizer.encodeBatch(list, { maxLength }).map(({ inputIds }) => Int32Array.from(inputIds))
  const training: MaskedBatchesOptions = { ...common, seed, encodings: encode(texts), targets: distillation }
  // The same words are hidden in every evaluation.
  const heldOutBatches = [...maskedBatches({ ...common, seed: 0, encodings: encode(heldOut) }, 0)]
  const evaluate = async () => {
    let [loss, targets] = [0, 0]
    for (const { inputs, weight } of heldOutBatches) {
      const result = await evaluation.run(inputs)
      loss += (result['loss']?.data[0] as number) * weight
      targets += weight
    }
    return { loss: loss / targets, perplexity: Math.exp(loss / targets) }
  }
  const { steps, warmupRatio = 0.06, learningRate = 1e-3, signal } = options
  let result: FitResult
  try {
    result = await fit({
      store,
      program,
      parameters: names,
      batches: (epoch) => maskedBatches(training, epoch),
      maxSteps: steps,
      optimizer,
      learningRate,
      schedule: linearSchedule({ totalSteps: steps, warmupSteps: Math.round(steps * warmupRatio) }),
      seed,
      evaluate,
      evaluateEvery: options.evaluateEvery ?? steps,
      signal,
      onEvent: options.onEvent ?? progressReporter(),
    })
  } finally {
    await Promise.all([program.dispose(), evaluation.dispose()])
  }
  return createPretrainedModel({ config, tokenizer, store, result })
}

function createStore(engine: Engine, specs: ParameterSpecs, slots: readonly string[]): ParameterStore {
  return engine.createStore(Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape])), slots)
}

function fillStore(
  store: ParameterStore,
  specs: ParameterSpecs,
  { config, seed, initialValues }: PretrainOptions & { seed: number },
): void {
  const random = createRandom(mixSeed(seed, 1))
  for (const [name, spec] of Object.entries(specs)) {
    const drawn = initializeParameter(spec, random, config.initializerRange)
    const given = initialValues?.(name)
    if (given && given.length !== sizeOf(spec.shape)) {
      throw new ArgumentError({
        function: 'pretrain',
        argument: `initialValues('${name}')`,
        expected: `${sizeOf(spec.shape)} numbers, for shape [${spec.shape.join(', ')}]`,
        received: String(given.length),
        remedy: 'Return an array of exactly this size, or undefined for random values.',
      })
    }
    store.write(name, given ?? drawn)
  }
}

function checkOptions({ config, tokenizer, texts, heldOut, distillation, steps }: PretrainOptions): void {
  const fail = (argument: string, expected: string, received: string) =>
    new ArgumentError({
      function: 'pretrain',
      argument,
      expected,
      received,
      remedy: 'See the recipe of @tfx/base-encoder for a complete example.',
    })
  if (texts.length === 0) throw fail('texts', 'at least one text', 'none')
  if (heldOut.length === 0) throw fail('heldOut', 'at least one text', 'none')
  if (!Number.isInteger(steps) || steps < 1) throw fail('steps', 'a positive integer', String(steps))
  if (tokenizer.vocabSize > config.vocabSize) {
    throw fail('config', `a vocabulary of at least the tokenizer's ${tokenizer.vocabSize}`, String(config.vocabSize))
  }
  if (distillation && distillation.embeddings.length !== texts.length * distillation.size) {
    const expected = `${texts.length} × ${distillation.size} numbers, one row for each text`
    throw fail('distillation.embeddings', expected, String(distillation.embeddings.length))
  }
}
