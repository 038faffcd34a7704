import {
  type Base,
  headTask,
  type LoadOptions,
  loadTask,
  runTask,
  type TrainedParts,
  type TransferDataset,
  type TransferModel,
  type TransferOptions,
  transferTo,
} from '@tfx/transfer'
import { checkIsOptions } from '@tfx/common'
import type { EncoderConfig } from '@tfx/core'
import type { SentimentAnswer } from './answer'
import { checkCalibration, checkKind, withoutValidation } from './check-options'
import { fewShotTask } from './few-shot'
import { sentimentHead } from './head'
import { isMultiLabel, multiLabelHead } from './multi-label'
import type { SentimentOptions } from './options'

export type { SentimentAnswer } from './answer'
export { sentimentHead } from './head'
export type { SentimentOptions } from './options'
export {
  describeSettings,
  learnedSoFar,
  type PredictOptions,
  type SaveOptions,
  type TransferOptions,
} from '@tfx/transfer'

/** A model that tells how a text feels. */
export type SentimentModel = TransferModel<SentimentAnswer, SentimentOptions>

/**
 * Fine-tunes a pretrained encoder on labelled texts.
 *
 * @param base A hub id such as `distilbert/distilbert-base-uncased`, a directory, an installed npm package such as
 *   `@tfx/base-encoder`, or a model that was just trained.
 * @param dataset Rows with a text and a label: a path of a .csv, .tsv, .jsonl or .json file, an array, an
 *   (async) iterable, or `{ train, validation }` of those.
 * @param options Settings; defaults are those of Hugging Face's Trainer.
 * @throws DataError, ArgumentError, CheckpointError, NetworkError, TrainingError, TrainingAbortedError
 *
 * @example
 * ```ts
 * const model = await transfer('@tfx/base-encoder', 'reviews.csv', { epochs: 3 })
 * await model.predict('Loved every minute') // { label: 'positive', score: 0.98, scores: { … } }
 * await model.save('./my-model')
 * ```
 */
export async function transfer(
  base: Base,
  dataset: TransferDataset,
  options: SentimentOptions & TransferOptions = {},
): Promise<SentimentModel> {
  checkIsOptions(options, { caller: 'transfer' })
  checkKind(options)
  const source = { base, dataset }
  if (options.multiLabel) return transferTo(multiLabelHead, source, options)
  if (options.fewShot) return runTask(fewShotTask, source, withoutValidation(dataset, options))
  checkCalibration(dataset, options)
  return transferTo(sentimentHead, source, options)
}

/**
 * Loads a fine-tuned classifier: one that `save` wrote, or any sequence classifier of the hub.
 *
 * @throws CheckpointError, NetworkError
 */
export async function load(source: string, options: LoadOptions = {}): Promise<SentimentModel> {
  const [single, several] = [headTask(sentimentHead), headTask(multiLabelHead)]
  const taskFor = (config: EncoderConfig) => (isMultiLabel(config) ? several : single)
  const task = {
    ...single,
    checkModel: (config: EncoderConfig) => taskFor(config).checkModel?.(config),
    model: (parts: TrainedParts<EncoderConfig>) => taskFor(parts.weights.config).model(parts),
  }
  return loadTask(task, source, options)
}
