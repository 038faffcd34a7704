import { getEngine } from '@tfx/backend'
import { longerThanPrompt, type ModelConfig } from '@tfx/core'
import {
  type BestMetric,
  combineHandlers,
  findLearningRate,
  type FindLearningRateOptions,
  fit,
  type FitResult,
  jsonLinesLogger,
  type Optimizer,
  progressReporter,
  tensorBoardLogger,
  type TrainingEventHandler,
} from '@tfx/train'
import type { TrainedPart } from './adapted'
import type { TextInput } from './head'
import type { TransferOptions } from './options'
import type { Weights } from './runtime'
import type { ResolvedSettings, Setting } from './settings'
import type { EncodedExample, TransferTask } from './task'
import { trainingBatches } from './training-batches'
import { lossInputSpecs, withLossInputs } from './training-loss'
import {
  checkBestMetric,
  chosenCheckpoints,
  chosenGroups,
  chosenPlateau,
  chosenSchedule,
  regularization,
} from './training-settings'

/** A model about to be trained on encoded data. */
export interface TrainingRun<Encoded extends EncodedExample<unknown>, Options, Config extends ModelConfig> {
  task: Omit<TransferTask<Encoded, Options, Config, never>, 'model' | 'labelled'>
  weights: Weights<Config>
  part: TrainedPart
  settings: ResolvedSettings
  options: Options & TransferOptions
  list: readonly Setting[]
  optimizer: Optimizer
  best: BestMetric
  /** `best`, if the weights of its evaluation are kept. */
  keepBest: BestMetric | undefined
  encodeChanged: (examples: readonly TextInput[]) => Promise<Encoded[]>
  /** Optimizer steps taken, and the settings with what was found for them. */
  progress: { steps: number; list: readonly Setting[] }
}

export interface EncodedData<Encoded> {
  training: Encoded[]
  validation: Encoded[]
}

/** Trains, evaluates and logs as the settings say; the weights end in the run's store. */
export async function train<
  Encoded extends EncodedExample<unknown>,
  Options extends object,
  Config extends ModelConfig,
>(
  run: TrainingRun<Encoded, Options, Config>,
  { training, validation }: EncodedData<Encoded>,
): Promise<FitResult> {
  const { task, weights, part, settings, list, options, optimizer, best, keepBest } = run
  const { config, tokenizer, store } = weights
  const { batchSize, gradientAccumulationSteps, maxSteps, seed, earlyStoppingPatience } = settings
  const { signal, augmentation, clipping } = options
  const parameters = part.trained
  const sampleWeights = task.sampleWeights?.(
    training.map(({ example }) => example),
    options,
  )
  const batchOptions = {
    ...settings,
    augmentation,
    sampleWeights,
    encodeChanged: run.encodeChanged,
    collate: (encoded: readonly Encoded[]) => task.collate(encoded, { config, tokenizer }),
    batchWeight: (encoded: readonly Encoded[]) => task.batchWeight(encoded, { config, options }),
    lengthOf: (encoded: Encoded) => task.lengthOf?.(encoded) ?? encoded.encoding.inputIds.length,
  }
  const taskOptions = Object.fromEntries(task.options.map((name) => [name, options[name]]))
  const program = await compileTraining(run)
  const evaluation = validation.length > 0 ? await task.evaluation(weights, options, settings) : undefined
  const stepsPerEpoch = Math.ceil(Math.ceil(training.length / batchSize) / gradientAccumulationSteps)
  const epochs = maxSteps > 0 ? maxSteps / stepsPerEpoch : settings.epochs
  const totalSteps = maxSteps > 0 ? maxSteps : Math.max(1, Math.ceil(stepsPerEpoch * epochs))
  try {
    if (evaluation && options.bestMetric !== undefined) {
      // Found now, not at the end of the first epoch.
      const metrics = await evaluation.score(validation.slice(0, 2), { signal })
      checkBestMetric(best.metric, Object.keys(metrics))
    }
    const onEvent = eventHandler(options, run.progress)
    const learning = {
      store,
      program,
      parameters,
      groups: chosenGroups(settings, parameters, optimizer),
      batches: (epoch) => withLossInputs(trainingBatches(training, batchOptions, epoch), settings, epoch),
      optimizer,
      maxGradientNorm: settings.maxGradientNorm,
      clipping,
      seed,
      signal,
    } satisfies FindLearningRateOptions
    let { learningRate } = settings
    if (learningRate === 'find') {
      learningRate = await foundRate(learning, onEvent)
      run.progress.list = withFoundRate(list, learningRate)
    }
    return await fit({
      ...regularization(settings, parameters, totalSteps),
      ...learning,
      learningRate,
      gradientAccumulationSteps,
      skipNonFinite: settings.skipNonFinite,
      evaluateEvery: settings.evaluateEvery,
      epochs: Math.ceil(epochs),
      maxSteps: totalSteps,
      stepsPerEpoch,
      schedule: chosenSchedule(options, settings, { totalSteps, stepsPerEpoch, learningRate }),
      plateau: chosenPlateau(options, learningRate, best),
      keepBest,
      earlyStopping: keepBest && earlyStoppingPatience > 0 ? { patience: earlyStoppingPatience } : undefined,
      checkpoints: chosenCheckpoints(options, {
        list,
        task: taskOptions,
        sampleWeights,
        data: { training, validation },
      }),
      ...(evaluation && { evaluate: () => evaluation.score(validation, { signal }) }),
      onEvent,
    })
  } finally {
    await program.dispose()
    await evaluation?.dispose()
  }
}

async function foundRate(options: FindLearningRateOptions, onEvent: TrainingEventHandler): Promise<number> {
  const finding = await findLearningRate(options)
  onEvent({ type: 'learningRate', ...finding })
  return finding.suggestion
}

const withFoundRate = (list: readonly Setting[], value: number): Setting[] =>
  list.map((setting) =>
    setting.name === 'learningRate' ? { ...setting, value, origin: 'found before training' } : setting,
  )

async function compileTraining<Encoded extends EncodedExample<unknown>, Options, Config extends ModelConfig>({
  task,
  weights: { config, store },
  part,
  options,
  settings,
}: TrainingRun<Encoded, Options, Config>) {
  const engine = await getEngine()
  return engine.compile(
    ({ inputs, parameters }) => ({
      loss: task.loss(parameters, inputs, { config, options, training: true, regularization: settings }),
    }),
    {
      inputs: { ...task.inputs(config), ...lossInputSpecs(settings) },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: part.trained },
      gradientCheckpointing: settings.gradientCheckpointing,
      ...longerThanPrompt(store.shapes),
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
