import { type Engine, getEngine, type ParameterStore, type Program } from '@tfx/backend'
import { ArgumentError, createRandom, DataError, mixSeed, sizeOf, throwIfAborted } from '@tfx/common'
import { initializeParameter, modelFamily, type ParameterSpecs } from '@tfx/core'
import { adamW, fit, fitSlots, linearSchedule, progressReporter, type TrainingBatch } from '@tfx/train'
import { rememberLearned } from '../learned'
import { shapesOf } from '../runtime'
import { maskedBatches, type MaskedBatchesOptions } from './batches'
import { type PretrainOptions, type ResolvedPretrainOptions, resolvePretrainOptions } from './options'
import { createPretrainedModel, type PretrainedModel } from './pretrained-model'
import { maskedInputs, maskedLanguageModelStep, projectionName } from './step'
import { maskingVocabulary } from './vocabulary'

/**
 * Pretrains an encoder from random weights by masked language modelling with whole-word masking
 * (Devlin et al. 2018, arXiv:1810.04805), optionally beside the distillation of a teacher's sentence embeddings.
 *
 * @returns A model that can be saved as a base for {@link transfer}, or be one as it is, with its held-out
 *   perplexity.
 * @throws ArgumentError if the tokenizer and the configuration disagree, or there are no texts.
 * @throws TrainingAbortedError if `signal` fires; {@link learnedSoFar} gives the model as it then is.
 *
 * @example
 * ```ts
 * const model = await pretrain({ config, tokenizer, texts, heldOut, steps: 1000 })
 * console.log(model.perplexity)
 * await model.save('./my-base')
 * ```
 */
export async function pretrain(options: PretrainOptions): Promise<PretrainedModel> {
  const settings = resolvePretrainOptions(options)
  throwIfAborted(settings.signal, 'pretrain')
  const { config, tokenizer, distillation } = settings
  const batches = batchOptions(settings)
  const heldOut = heldOutBatches(settings, batches)
  const specs: ParameterSpecs = {
    ...modelFamily(config.modelType).parameterShapes(config, 'pretraining'),
    ...(distillation && {
      [projectionName]: { shape: [distillation.size, config.hiddenSize], initialize: 'normal' },
    }),
  }
  const engine = await getEngine()
  const optimizer = adamW({ weightDecay: settings.weightDecay })
  const store = engine.createStore(shapesOf(specs), fitSlots({ optimizer }))
  let steps = 0
  try {
    fillStore(store, specs, settings)
    const result = await train(settings, {
      engine,
      store,
      optimizer,
      batches,
      heldOut,
      onStep: () => steps++,
    })
    return createPretrainedModel({ config, tokenizer, store, result })
  } catch (error) {
    if (steps > 0) {
      throw await rememberLearned(error, async () => createPretrainedModel({ config, tokenizer, store }))
    }
    store.dispose()
    throw error
  }
}

interface Run {
  engine: Engine
  store: ParameterStore
  optimizer: ReturnType<typeof adamW>
  batches: MaskedBatchesOptions
  heldOut: readonly TrainingBatch[]
  onStep: () => void
}

async function train(settings: ResolvedPretrainOptions, run: Run): Promise<Awaited<ReturnType<typeof fit>>> {
  const { steps, warmupRatio, learningRate, seed, signal, evaluateEvery } = settings
  const { store, optimizer, batches, heldOut, onStep } = run
  const report = settings.onEvent ?? progressReporter()
  const program = await compile(settings, run, true)
  try {
    const evaluation = await compile(settings, run, false)
    try {
      return await fit({
        store,
        program,
        parameters: Object.keys(store.shapes),
        batches: (epoch) => maskedBatches(batches, epoch),
        maxSteps: steps,
        optimizer,
        learningRate,
        schedule: linearSchedule({ totalSteps: steps, warmupSteps: Math.round(steps * warmupRatio) }),
        seed,
        evaluate: () => measure(evaluation, heldOut),
        evaluateEvery,
        signal,
        onEvent(event) {
          if (event.type === 'step') onStep()
          report(event)
        },
      })
    } finally {
      await evaluation.dispose()
    }
  } finally {
    await program.dispose()
  }
}

function compile(
  { config, distillation }: ResolvedPretrainOptions,
  { engine, store }: Run,
  training: boolean,
): Promise<Program> {
  const family = modelFamily(config.modelType)
  const weights = {
    maskedWeight: distillation?.maskedWeight ?? 1,
    distillationWeight: distillation?.weight ?? 1,
  }
  const targets = training && distillation ? { targets: { shape: ['batch', distillation.size] } } : {}
  return engine.compile(maskedLanguageModelStep(family, { config, training }, weights), {
    inputs: { ...maskedInputs, ...targets },
    parameters: store,
    ...(training && { gradients: { of: 'loss', withRespectTo: Object.keys(store.shapes) } }),
  })
}

/** The masked language modelling loss over all hidden tokens, and exp of it. */
async function measure(
  evaluation: Program,
  heldOut: readonly TrainingBatch[],
): Promise<Record<string, number>> {
  let [total, targets] = [0, 0]
  for (const { inputs, weight } of heldOut) {
    const { loss } = await evaluation.run(inputs)
    total += loss!.data[0]! * weight
    targets += weight
  }
  return { loss: total / targets, perplexity: Math.exp(total / targets) }
}

function batchOptions(settings: ResolvedPretrainOptions): MaskedBatchesOptions {
  const { config, tokenizer, distillation, maskRate, batchSize, seed, texts } = settings
  return {
    vocabulary: maskingVocabulary(tokenizer, config.vocabSize),
    padTokenId: tokenizer.padTokenId,
    maskRate,
    batchSize,
    seed,
    encodings: encode(texts, settings),
    targets: distillation,
  }
}

/** The same words are hidden in every evaluation. */
function heldOutBatches(settings: ResolvedPretrainOptions, options: MaskedBatchesOptions): TrainingBatch[] {
  const encodings = encode(settings.heldOut, settings)
  const batches = [...maskedBatches({ ...options, seed: 0, encodings, targets: undefined }, 0)]
  const usable = batches.filter(({ weight }) => weight > 0)
  if (usable.length > 0) return usable
  throw new DataError({
    function: 'pretrain',
    argument: 'heldOut',
    expected: 'texts with words in them',
    received: 'only blank ones',
    remedy: 'Pass some sentences of the same kind as texts.',
  })
}

function encode(texts: readonly string[], { tokenizer, maxLength }: ResolvedPretrainOptions): Int32Array[] {
  return tokenizer.encodeBatch(texts, { maxLength }).map(({ inputIds }) => Int32Array.from(inputIds))
}

function fillStore(
  store: ParameterStore,
  specs: ParameterSpecs,
  { config, seed, initialValues }: ResolvedPretrainOptions,
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
