import { getEngine } from '@tfx/backend'
import { DataError } from '@tfx/common'
import { modelFamily } from '@tfx/core'
import { adamW, fit, type FitResult, fitSlots, linearSchedule, progressReporter, type TrainingEvent } from '@tfx/train'
import { openBase, type OpenedBase } from './base'
import { encodeExamples, type EncodedExample, modelInputSpecs, trainingBatches } from './encode'
import type { TaskHead, TextInput } from './head'
import { initializeMissing } from './initialize-missing'
import { rememberLearned } from './learned'
import { createModel, type ModelParts, scoreAll, type TransferModel } from './model'
import type { TransferOptions } from './options'
import { compileForward, copyParameter, createStore, type Weights } from './runtime'
import { type ResolvedSettings, resolveSettings } from './settings'
import { readDataset, type TransferDataset } from './dataset'

/** A base: a hub id, a directory, an installed npm package, or a model that was just trained. */
export type Base = string | object

/**
 * Fine-tunes a pretrained model on a data set, for any task.
 *
 * @param head The task; packages such as `@tfx/sentiment` bind this argument.
 * @param source What to train: a base and a data set.
 * @param options Settings; each resolved one is listed in the model's `settings` with its origin.
 * @returns The model, which predicts at once.
 * @throws CheckpointError or NetworkError if the base cannot be used, DataError if the data cannot,
 *   ArgumentError on wrong options, TrainingError if the loss is not a number, TrainingAbortedError
 *   if the signal fires. {@link learnedSoFar} gives the model that an interrupted training leaves.
 */
export async function transferTo<Example extends TextInput, Answer, Options extends object>(
  head: TaskHead<Example, Answer, Options>,
  { base, dataset }: { base: Base; dataset: TransferDataset },
  options: Options & TransferOptions,
): Promise<TransferModel<Example, Answer, Options>> {
  const opened = await openBase(base, options)
  const { values, list } = resolveSettings(options, opened)
  const data = await readDataset(head, dataset, { ...options, ...values })
  const config = head.configure(withDropout(opened.config, values, options), data.training, options)
  const engine = await getEngine()
  const optimizer = adamW({ weightDecay: values.weightDecay })
  const keepBest = values.keepBest && data.validation.length > 0 ? head.best : undefined
  const slots = fitSlots({ optimizer, gradientAccumulationSteps: values.gradientAccumulationSteps, keepBest })
  const store = createStore(engine, { config, task: head.task }, slots)
  const weights: Weights = { config, tokenizer: opened.tokenizer, store }
  try {
    const report = options.fromScratch
      ? await initializeMissing(weights, { task: head.task, seed: values.seed }).then(() => [])
      : await opened.load(weights, { task: head.task, seed: values.seed })
    const notes = [...data.notes, ...report]
    const encode = (examples: readonly Example[]) =>
      encodeExamples(examples, { ...values, tokenizer: opened.tokenizer, caller: 'transfer' })
    const run = { head, weights, settings: values, options, optimizer, keepBest }
    const finish = async (training: FitResult | undefined) =>
      createModel(await withoutTrainingState({ head, weights, settings: list, notes, ...values, ...(training && { training }) }))
    try {
      const training = await train(run, { training: encode(data.training), validation: encode(data.validation) })
      return await finish(training)
    } catch (error) {
      throw await rememberLearned(error, () => finish(undefined))
    }
  } finally {
    store.dispose()
  }
}

interface TrainingRun<Example extends TextInput, Answer, Options> {
  head: TaskHead<Example, Answer, Options>
  weights: Weights
  settings: ResolvedSettings
  options: Options & TransferOptions
  optimizer: ReturnType<typeof adamW>
  keepBest: TaskHead<Example, Answer, Options>['best'] | undefined
}

interface EncodedData<Example> {
  training: EncodedExample<Example>[]
  validation: EncodedExample<Example>[]
}

async function train<Example extends TextInput, Answer, Options extends object>(
  { head, weights, settings, options, optimizer, keepBest }: TrainingRun<Example, Answer, Options>,
  { training, validation }: EncodedData<Example>,
): Promise<FitResult> {
  const { config, tokenizer, store } = weights
  const { batchSize, gradientAccumulationSteps, epochs, warmupRatio, seed } = settings
  const { signal } = options
  const program = await compileTraining(head, weights, options)
  const evaluation = validation.length > 0 ? await compileForward(head, weights) : undefined
  const stepsPerEpoch = Math.ceil(Math.ceil(training.length / batchSize) / gradientAccumulationSteps)
  const totalSteps = Math.max(1, Math.ceil(stepsPerEpoch * epochs))
  const runOptions = { head, config, tokenizer, batchSize: 32, signal }
  try {
    return await fit({
      ...settings,
      store,
      program,
      parameters: Object.keys(store.shapes),
      batches: (epoch) => trainingBatches(training, { ...settings, head, config, tokenizer }, epoch),
      epochs: Math.ceil(epochs),
      maxSteps: totalSteps,
      stepsPerEpoch,
      optimizer,
      schedule: linearSchedule({ totalSteps, warmupSteps: Math.ceil(totalSteps * warmupRatio) }),
      seed,
      keepBest,
      ...(evaluation && { evaluate: () => scoreAll(evaluation, validation, runOptions) }),
      signal,
      onEvent: eventHandler(options),
    })
  } finally {
    await program.dispose()
    await evaluation?.dispose()
  }
}

async function compileTraining<Example extends TextInput, Answer, Options extends object>(
  head: TaskHead<Example, Answer, Options>,
  { config, store }: Weights,
  options: Options,
) {
  const engine = await getEngine()
  const family = modelFamily(config.modelType)
  return engine.compile(
    ({ inputs, parameters }) => {
      const outputs = head.forward(parameters, inputs as never, { family, config, training: true })
      return { loss: head.loss(outputs, inputs, options) }
    },
    {
      inputs: { ...modelInputSpecs(config), ...head.targetInputs },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: Object.keys(store.shapes) },
    },
  )
}

function eventHandler({ onEvent, progress = true }: TransferOptions): (event: TrainingEvent) => void {
  const report = progress ? progressReporter() : undefined
  return (event) => {
    report?.(event)
    onEvent?.(event)
  }
}

/** Moves the weights to a store without gradients and optimizer state: a quarter of the memory. */
async function withoutTrainingState<Example extends TextInput, Answer, Options>(
  parts: ModelParts<Example, Answer, Options>,
): Promise<ModelParts<Example, Answer, Options>> {
  const { config, store } = parts.weights
  const small = createStore(await getEngine(), { config, task: parts.head.task })
  for (const name of Object.keys(store.shapes)) await copyParameter(store, small, name)
  return { ...parts, weights: { ...parts.weights, store: small } }
}

function withDropout(config: OpenedBase['config'], { dropout }: ResolvedSettings, options: TransferOptions) {
  if (options.dropout === undefined) return config
  return { ...config, hiddenDropout: dropout, attentionDropout: dropout, classifierDropout: dropout }
}

/** @throws DataError */
export function requireExamples(examples: readonly unknown[], argument: string): void {
  if (examples.length > 0) return
  throw new DataError({
    function: 'transfer',
    argument,
    expected: 'at least one labelled example',
    received: 'none',
    remedy: 'Check that the file is not empty and that its rows have a text and a label.',
  })
}
