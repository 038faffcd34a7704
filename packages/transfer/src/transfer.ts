import { getEngine } from '@tfx/backend'
import { ArgumentError, throwIfAborted } from '@tfx/common'
import type { ModelConfig, Task } from '@tfx/core'
import { type FitResult, fitSlots, TrainingAbortedError } from '@tfx/train'
import {
  checkPrompt,
  fillAdapter,
  keptBeside,
  narrowBase,
  readMerged,
  takeAdapter,
  trainedPart,
  type TrainedPart,
} from './adapted'
import { type Base, openBase, type OpenedBase } from './base'
import { checkOptionNames } from './check-options'
import { datasetParts, readDataset, type TransferDataset } from './dataset'
import type { TaskHead, TextInput } from './head'
import { headTask } from './head-task'
import { initializeMissing } from './initialize-missing'
import { rememberLearned } from './learned'
import type { TransferModel } from './model'
import { nestedOptionNames, type TransferOptions, transferOptionNames } from './options'
import { checkReport, reportTraining } from './run-report'
import { copyParameter, createStore, type Weights } from './runtime'
import { type ResolvedSettings, resolveSettings } from './settings'
import type { EncodedExample, TransferTask } from './task'
import { checkRegularization } from './training-loss'
import { train } from './training-run'
import { transferInThread } from './thread/transfer-in-thread'
import { checkEvaluated, chosenBest, chosenOptimizer, regularization, withDropout } from './training-settings'

/** What to train. */
export interface TransferSource {
  readonly base: Base
  readonly dataset: TransferDataset
}

/**
 * Fine-tunes a pretrained encoder on a data set.
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
  source: TransferSource,
  options: Options & TransferOptions,
): Promise<TransferModel<Answer, Options>> {
  return runTask(headTask(head), source, options)
}

/**
 * Fine-tunes a pretrained model on a data set, whatever it is of and learns.
 *
 * @returns What the task makes of the trained weights.
 * @throws As {@link transferTo}.
 */
export async function runTask<
  Encoded extends EncodedExample<unknown>,
  Options extends object,
  Config extends ModelConfig,
  Model extends object,
>(
  task: TransferTask<Encoded, Options, Config, Model>,
  { base, dataset }: TransferSource,
  options: Options & TransferOptions,
): Promise<Model> {
  checkOptionNames(options, [...transferOptionNames, ...task.options], { caller: 'transfer' })
  for (const [argument, names] of Object.entries(nestedOptionNames)) {
    const given = options[argument as keyof TransferOptions]
    if (given !== undefined && typeof given !== 'string')
      checkOptionNames(given, names, { caller: 'transfer', argument })
  }
  checkReport(options.report)
  if (options.augmentation !== undefined && !task.hasTexts) throw noTexts(task.name)
  checkRegularization(task, options)
  throwIfAborted(options.signal, 'transfer')
  if (options.thread) return (await transferInThread(task, { base, dataset }, options)) as Model
  const parts = datasetParts(dataset, options.validation)
  const opened = await openBase(base, { ...options, kind: task.kind })
  const { generation } = opened
  const { values, list } = resolveSettings(options, {
    ...opened,
    validation: parts.validation,
    defaults: { bestMetric: task.best.metric, ...task.defaults },
  })
  const { seed, validationFraction } = values
  const best = chosenBest(options, task.best)
  const data = await readDataset(task, parts, { ...options, seed, validationFraction })
  checkEvaluated(values, data.validation.length)
  const tokenizer = task.tokenizer?.(opened.tokenizer, data.training, options) ?? opened.tokenizer
  const config = task.configure(withDropout(opened.config as Config, values, options), data.training, options)
  // What cannot be learned is found before training, not after its first epoch.
  for (const examples of [data.training, data.validation]) task.check?.(examples, config)
  const decided = { ...options, ...task.resolveOptions?.(options, data.training) }
  const part = trainedPart(options, { config, task: task.task })
  checkPrompt(part.adapter, task)
  const places = { virtualTokens: part.adapter?.method === 'prompt' ? part.adapter.virtualTokens : 0 }
  const encode = (examples: readonly Encoded['example'][], changed?: { truncation: true }) =>
    task.encode(examples, {
      ...values,
      ...changed,
      ...places,
      tokenizer,
      config,
      options: decided,
      caller: 'transfer',
    })
  const encoded = { training: await encode(data.training), validation: await encode(data.validation) }
  const optimizer = chosenOptimizer(options, values)
  const keepBest = values.keepBest && data.validation.length > 0 ? best : undefined
  const slots = fitSlots({
    optimizer,
    gradientAccumulationSteps: values.gradientAccumulationSteps,
    keepBest,
    ...regularization(values, part.trained),
    parameters: part.trained,
  })
  const store = createStore(await getEngine(), { ...part, ...narrowBase(part, values.basePrecision) }, slots)
  const weights: Weights<Config> = { config, tokenizer, generation, store }
  const run = {
    task,
    weights,
    part,
    settings: values,
    list,
    options: decided,
    optimizer,
    best,
    keepBest,
    encodeChanged: (examples: readonly TextInput[]) => encode(examples, { truncation: true }),
    progress: { steps: 0, list },
  }
  try {
    const notes = [...data.notes, ...(await fill(weights, { opened, settings: values, task: task.task }))]
    await fillAdapter(part, weights, values.seed)
    const finish = async (training: FitResult | undefined, { isCut }: { isCut: boolean }) => {
      notes.push(...((await task.finish?.(weights, encoded, decided)) ?? []))
      const small = await withoutTrainingState(weights, part)
      const trainedAdapter = await takeAdapter(part, store, typeof base === 'string' ? base : undefined)
      const model = await task.model({
        weights: small,
        ...(trainedAdapter && { trainedAdapter }),
        settings: run.progress.list,
        notes,
        ...values,
        ...(training && { training }),
      })
      const { report: file } = options
      if (file !== undefined && training !== undefined) {
        const title = `Fine-tuning ${typeof base === 'string' ? base : 'a trained model'} for ${task.name}`
        const { labelled } = task
        const shown = {
          file,
          title,
          labelled,
          model,
          settings: run.progress.list,
          notes,
          training,
          isCut,
          data: encoded,
        }
        await reportTraining(shown)
      }
      return model
    }
    const prepare = async (examples: Encoded[]) =>
      (await task.prepare?.(examples, { weights, signal: options.signal })) ?? examples
    const prepared = {
      training: await prepare(encoded.training),
      validation: await prepare(encoded.validation),
    }
    try {
      return await finish(await train(run, prepared), { isCut: false })
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
  { opened, settings, task }: { opened: OpenedBase; settings: ResolvedSettings; task: Task },
): Promise<string[]> {
  const { seed, fromScratch } = settings
  if (fromScratch) await initializeMissing(weights, { task, seed })
  const names = fromScratch ? [] : await opened.read(weights, { task, seed })
  if (names.length === 0) return []
  return [`These weights are new and start at random, as the base has none: ${names.join(', ')}.`]
}

/**
 * Copies the weights to a store without gradients and optimizer state, a quarter of the memory, and merges the adapter
 * into them.
 */
async function withoutTrainingState<Config extends ModelConfig>(
  { store, ...weights }: Weights<Config>,
  part: TrainedPart,
): Promise<Weights<Config>> {
  const { config, task, adapter, specs } = part
  const kept = keptBeside(part)
  const small = createStore(await getEngine(), { config, task, added: kept })
  const read = readMerged(part, store)
  for (const name of Object.keys({ ...specs, ...kept })) {
    if (adapter === undefined) await copyParameter(store, small, name)
    else small.write(name, await read(name))
  }
  return { ...weights, store: small }
}

const noTexts = (task: string) =>
  new ArgumentError({
    function: 'transfer',
    argument: 'augmentation',
    expected: `left out: the examples of '${task}' are no single texts`,
    received: 'an augmentation',
    remedy: 'Change the data set itself before it is passed.',
  })
