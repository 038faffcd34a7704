import { getEngine } from '@tfx/backend'
import { throwIfAborted } from '@tfx/common'
import { modelFamily, type EncoderTask } from '@tfx/core'
import {
  combineHandlers,
  fit,
  type FitResult,
  fitSlots,
  jsonLinesLogger,
  type Optimizer,
  progressReporter,
  tensorBoardLogger,
  TrainingAbortedError,
  type TrainingEventHandler,
} from '@tfx/train'
import { fillAdapter, readMerged, takeAdapter, trainedPart, type TrainedPart } from './adapted'
import { type Base, openBase, type OpenedBase } from './base'
import { checkOptionNames } from './check-options'
import { checkTargets, datasetParts, readDataset, type TransferDataset } from './dataset'
import { encodeDataset, type EncodedExample, modelInputSpecs } from './encode'
import type { TaskHead, TextInput } from './head'
import { initializeMissing } from './initialize-missing'
import { rememberLearned } from './learned'
import { createModel, scoreAll, type TransferModel } from './model'
import { type TransferOptions, transferOptionNames } from './options'
import { checkReport, reportTraining } from './run-report'
import { compileForward, copyParameter, createStore, type Weights } from './runtime'
import { type ResolvedSettings, resolveSettings, type Setting } from './settings'
import { trainingBatches } from './training-batches'
import { transferInThread } from './thread/transfer-in-thread'
import {
  chosenCheckpoints,
  chosenGroups,
  chosenOptimizer,
  chosenSchedule,
  regularization,
} from './training-settings'

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
): Promise<TransferModel<Answer, Options>> {
  checkOptionNames(options, [...transferOptionNames, ...head.options], 'transfer')
  checkReport(options.report)
  throwIfAborted(options.signal, 'transfer')
  if (options.thread) return transferInThread(head, { base, dataset }, options)
  const parts = datasetParts(dataset, options.validation)
  const opened = await openBase(base, options)
  const { tokenizer } = opened
  const { values, list } = resolveSettings(options, { ...opened, validation: parts.validation })
  const { seed, validationFraction } = values
  const data = await readDataset(head, parts, { ...options, seed, validationFraction })
  const config = head.configure(withDropout(opened.config, values, options), data.training, options)
  checkTargets(head, data, config)
  const decided = { ...options, ...head.resolveOptions?.(options, data.training) }
  const encode = (examples: readonly Example[]) =>
    encodeDataset(examples, { ...options, ...values, tokenizer, caller: 'transfer' })
  const encoded = { training: await encode(data.training), validation: await encode(data.validation) }
  const part = trainedPart(options, { config, task: head.task })
  const optimizer = chosenOptimizer(options, values)
  const keepBest = values.keepBest && data.validation.length > 0 ? head.best : undefined
  const slots = fitSlots({
    optimizer,
    gradientAccumulationSteps: values.gradientAccumulationSteps,
    keepBest,
    ...regularization(values, part.trained),
    parameters: part.trained,
  })
  const store = createStore(await getEngine(), part, slots)
  const weights: Weights = { config, tokenizer, store }
  const run = {
    head,
    weights,
    part,
    settings: values,
    list,
    options: decided,
    optimizer,
    keepBest,
    progress: { steps: 0 },
  }
  try {
    const notes = [...data.notes, ...(await fill(weights, { opened, settings: values, task: head.task }))]
    await fillAdapter(part, store, values.seed)
    const finish = async (training: FitResult | undefined, { isCut }: { isCut: boolean }) => {
      const small = await withoutTrainingState(weights, part)
      const trainedAdapter = await takeAdapter(part, store, typeof base === 'string' ? base : undefined)
      const model = await createModel({
        head,
        weights: small,
        ...(trainedAdapter && { trainedAdapter }),
        settings: list,
        notes,
        ...values,
        ...(training && { training }),
      })
      const { report: file } = options
      if (file !== undefined && training !== undefined) {
        const title = `Fine-tuning ${typeof base === 'string' ? base : 'a trained model'} for ${head.name}`
        await reportTraining({ file, title, head, model, training, isCut, data: encoded })
      }
      return model
    }
    try {
      return await finish(await train(run, encoded), { isCut: false })
    } catch (error) {
      if (run.progress.steps === 0) throw error
      const result = error instanceof TrainingAbortedError ? error.result : undefined
      throw await rememberLearned(error, () => finish(result, { isCut: true }))
    }
  } finally {
    store.dispose()
  }
}

/** Writes the weights to start from; returns notes on them. */
async function fill(
  weights: Weights,
  { opened, settings, task }: { opened: OpenedBase; settings: ResolvedSettings; task: EncoderTask },
): Promise<string[]> {
  const { seed, fromScratch } = settings
  if (!fromScratch) return opened.load(weights, { task, seed })
  await initializeMissing(weights, { task, seed })
  return []
}

interface TrainingRun<Example extends TextInput, Answer, Options> {
  head: TaskHead<Example, Answer, Options>
  weights: Weights
  part: TrainedPart
  settings: ResolvedSettings
  options: Options & TransferOptions
  list: readonly Setting[]
  optimizer: Optimizer
  keepBest: TaskHead<Example, Answer, Options>['best'] | undefined
  /** Optimizer steps taken. */
  progress: { steps: number }
}

interface EncodedData<Example> {
  training: EncodedExample<Example>[]
  validation: EncodedExample<Example>[]
}

async function train<Example extends TextInput, Answer, Options extends object>(
  {
    head,
    weights,
    part,
    settings,
    list,
    options,
    optimizer,
    keepBest,
    progress,
  }: TrainingRun<Example, Answer, Options>,
  { training, validation }: EncodedData<Example>,
): Promise<FitResult> {
  const { config, tokenizer, store } = weights
  const { batchSize, gradientAccumulationSteps, maxSteps, seed, earlyStoppingPatience } = settings
  const { signal, augmentation } = options
  const parameters = part.trained
  const sampleWeights = head.sampleWeights?.(
    training.map(({ example }) => example),
    options,
  )
  const batchOptions = {
    ...settings,
    augmentation,
    sampleWeights,
    head,
    batchWeight:
      head.batchWeight && ((examples: readonly Example[]) => head.batchWeight!(examples, config, options)),
    config,
    tokenizer,
  }
  const task = Object.fromEntries(head.options.map((name) => [name, options[name]]))
  const program = await compileTraining({ head, weights, part, options, settings })
  const evaluation = validation.length > 0 ? await compileForward(head, weights) : undefined
  const stepsPerEpoch = Math.ceil(Math.ceil(training.length / batchSize) / gradientAccumulationSteps)
  const epochs = maxSteps > 0 ? maxSteps / stepsPerEpoch : settings.epochs
  const totalSteps = maxSteps > 0 ? maxSteps : Math.max(1, Math.ceil(stepsPerEpoch * epochs))
  const runOptions = { head, config, tokenizer, batchSize: 32, signal }
  try {
    return await fit({
      ...settings,
      ...regularization(settings, parameters),
      store,
      program,
      parameters,
      groups: chosenGroups(settings, parameters, optimizer),
      batches: (epoch) => trainingBatches(training, batchOptions, epoch),
      epochs: Math.ceil(epochs),
      maxSteps: totalSteps,
      stepsPerEpoch,
      optimizer,
      schedule: chosenSchedule(options, settings, { totalSteps, stepsPerEpoch }),
      seed,
      keepBest,
      earlyStopping: keepBest && earlyStoppingPatience > 0 ? { patience: earlyStoppingPatience } : undefined,
      checkpoints: chosenCheckpoints(options, { list, task, sampleWeights, data: { training, validation } }),
      ...(evaluation && { evaluate: () => scoreAll(evaluation, validation, runOptions) }),
      signal,
      onEvent: eventHandler(options, progress),
    })
  } finally {
    await program.dispose()
    await evaluation?.dispose()
  }
}

async function compileTraining<Example extends TextInput, Answer, Options extends object>({
  head,
  weights: { config, store },
  part,
  options,
  settings: { gradientCheckpointing },
}: Pick<TrainingRun<Example, Answer, Options>, 'head' | 'weights' | 'part' | 'options' | 'settings'>) {
  const engine = await getEngine()
  const family = modelFamily(config.modelType)
  return engine.compile(
    ({ inputs, parameters }) => {
      const outputs = head.forward(parameters, inputs as never, { family, config, training: true })
      return { loss: head.loss(outputs, inputs, { ...options, config }) }
    },
    {
      inputs: { ...modelInputSpecs(config), ...head.targetInputs(config) },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: part.trained },
      gradientCheckpointing,
    },
  )
}

function eventHandler(
  { onEvent, progress = true, jsonLines, tensorBoard }: TransferOptions,
  count: { steps: number },
): TrainingEventHandler {
  const countSteps: TrainingEventHandler = (event) => {
    if (event.type === 'step') count.steps = event.step
  }
  return combineHandlers(
    countSteps,
    progress ? progressReporter() : undefined,
    jsonLines === undefined ? undefined : jsonLinesLogger({ file: jsonLines }),
    tensorBoard === undefined ? undefined : tensorBoardLogger({ directory: tensorBoard }),
    onEvent,
  )
}

/**
 * Copies the weights to a store without gradients and optimizer state, a quarter of the memory, and merges the adapter
 * into them.
 */
async function withoutTrainingState({ store, ...weights }: Weights, part: TrainedPart): Promise<Weights> {
  const { config, task, adapter, specs } = part
  const small = createStore(await getEngine(), { config, task })
  const read = readMerged(part, store)
  for (const name of Object.keys(specs)) {
    if (adapter === undefined) await copyParameter(store, small, name)
    else small.write(name, await read(name))
  }
  return { ...weights, store: small }
}

function withDropout(config: OpenedBase['config'], { dropout }: ResolvedSettings, options: TransferOptions) {
  if (options.dropout === undefined) return config
  return { ...config, hiddenDropout: dropout, attentionDropout: dropout, classifierDropout: dropout }
}
