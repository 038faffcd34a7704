import {
  type Base,
  loadFor,
  type LoadOptions,
  type TransferDataset,
  type TransferModel,
  type TransferOptions,
  transferTo,
} from '@tfx/transfer'
import type { SentimentAnswer } from './answer'
import { sentimentHead, type SentimentOptions } from './head'

export type { SentimentAnswer } from './answer'
export { sentimentHead, type SentimentOptions } from './head'
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
  return transferTo(sentimentHead, { base, dataset }, options)
}

/**
 * Loads a fine-tuned classifier: one that `save` wrote, or any sequence classifier of the hub.
 *
 * @throws CheckpointError, NetworkError
 */
export async function load(source: string, options: LoadOptions = {}): Promise<SentimentModel> {
  return loadFor(sentimentHead, source, options)
}
