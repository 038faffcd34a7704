import { type Base, type LoadOptions, loadWriter, type TransferOptions, transferWriting } from '@tfx/transfer'
import type { SummaryDataset } from './example'
import { summarizationHead, type SummarizationOptions } from './head'
import type { Summarizer } from './summarizer'

export type { EvaluateOptions, RougeF1, SummaryScores } from './evaluate'
export type { ReadingOptions, SummaryDataset, SummaryExample } from './example'
export { summarizationHead, type SummarizationOptions } from './head'
export { leadSummaries, type LeadSummaries } from './lead'
export type { LengthOptions, SummaryStyle } from './lengths'
export type { SummarizeOptions, Summary } from './summarize'
export type { Summarizer } from './summarizer'
export { describeSettings, learnedSoFar, type SaveOptions, type TransferOptions } from '@tfx/transfer'

/**
 * Fine-tunes an encoder-decoder to summarize.
 *
 * @param base A hub id such as `google-t5/t5-small`, a directory, an installed npm package such as `@tfx/base-seq2seq`, or a
 *   model that was just trained. T5, BART and Pegasus are supported, as are the other encoder-decoders of `@tfx/core`.
 * @param dataset Rows with a document and a summary: a path of a .csv, .tsv, .jsonl or .json file, an array, an (async)
 *   iterable, or `{ train, validation }` of those.
 * @param options Settings; defaults are those of Hugging Face's Trainer.
 * @throws DataError, ArgumentError, CheckpointError, NetworkError, TrainingError, TrainingAbortedError
 *
 * @example
 * ```ts
 * const model = await transfer('@tfx/base-seq2seq', 'articles.jsonl', { epochs: 3, truncation: true })
 * const { text } = await model.summarize(article, { style: 'short' })
 * await model.save('./my-model')
 * ```
 */
export async function transfer(
  base: Base,
  dataset: SummaryDataset,
  options: SummarizationOptions & TransferOptions = {},
): Promise<Summarizer> {
  return transferWriting(summarizationHead, { base, dataset }, options)
}

/**
 * Loads a model that summarizes: one that `save` wrote, or any of the hub.
 *
 * @throws CheckpointError, NetworkError
 */
export async function load(source: string, options: LoadOptions = {}): Promise<Summarizer> {
  return loadWriter(summarizationHead, source, options)
}
