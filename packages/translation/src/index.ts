import { type Base, type LoadOptions, loadWriter, type TransferOptions, transferWriting } from '@tfx/transfer'
import { translationHead, type TranslationOptions } from './head'
import type { PairSource } from './pair'
import type { Translator } from './translator'

export type { EvaluateOptions, TranslationScores } from './evaluate'
export type { Glossary } from './glossary'
export { translationHead, type TranslationOptions } from './head'
export type { SplitInto } from './layout'
export type { PairOptions, PairSource, ParallelFiles, TranslationPair } from './pair'
export { scratchBase, type ScratchOptions, scratchSettings } from './scratch-base'
export type { TranslateOptions } from './translate'
export type { Translator } from './translator'
export { describeSettings, learnedSoFar, type SaveOptions, type TransferOptions } from '@tfx/transfer'

/** Pairs to learn from, or training pairs with validation pairs beside them. */
export type TranslationDataset = PairSource | { readonly train: PairSource; readonly validation?: PairSource }

/**
 * Fine-tunes a translation model on pairs of texts, or trains one from random weights.
 *
 * @param base A hub id such as `Helsinki-NLP/opus-mt-en-de`, a directory, an installed npm package such as
 *   `@tfx/base-seq2seq`, a model that was just trained, or a new one: see {@link scratchBase}. Marian, T5, mBART, M2M100,
 *   NLLB, BART and Pegasus are supported.
 * @param dataset Rows with `source` and `target`, with a column for each language, or with `translation`: a path of a .csv,
 *   .tsv, .jsonl or .json file, an array, an (async) iterable; or two files whose lines correspond; or `{ train,
 *   validation }` of those.
 * @param options Settings; defaults are those of Hugging Face's Trainer.
 * @throws DataError, ArgumentError, CheckpointError, NetworkError, TrainingError, TrainingAbortedError
 *
 * @example
 * ```ts
 * const model = await transfer('Helsinki-NLP/opus-mt-en-de', { source: 'train.en', target: 'train.de' })
 * await model.translate('A dog runs through the snow.') // Ein Hund rennt durch den Schnee.
 * await model.save('./my-model')
 * ```
 */
export async function transfer(
  base: Base,
  dataset: TranslationDataset,
  options: TranslationOptions & TransferOptions = {},
): Promise<Translator> {
  return transferWriting(translationHead, { base, dataset: dataset as never }, options)
}

/**
 * Loads a translation model: one that `save` wrote, or any of the hub.
 *
 * @throws CheckpointError, NetworkError
 */
export async function load(source: string, options: LoadOptions = {}): Promise<Translator> {
  return loadWriter(translationHead, source, options)
}
