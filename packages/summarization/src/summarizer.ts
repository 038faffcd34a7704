import type { RowSource } from '@tfx/data'
import type { SaveOptions } from '@tfx/transfer'
import { type EvaluateOptions, evaluateSummaries, type SummaryScores } from './evaluate'
import { type SummarizeOptions, summarizeTexts, type Summary, type SummaryLanguageModel } from './summarize'

/** A model that summarizes. */
export interface Summarizer extends Pick<
  SummaryLanguageModel,
  | 'config'
  | 'tokenizer'
  | 'generation'
  | 'maxLength'
  | 'settings'
  | 'notes'
  | 'training'
  | 'saveAdapter'
  | 'dispose'
> {
  /**
   * Summarizes a document, or several. One that is longer than the model reads at once is read in parts, whose summaries are
   * summarized: the answer says so.
   *
   * @throws ArgumentError on texts that are blank, too long, or hold control characters or half of a surrogate pair, and on
   *   settings that contradict each other; AbortedError if the signal fires.
   */
  summarize(text: string, options?: SummarizeOptions): Promise<Summary>
  summarize(texts: readonly string[], options?: SummarizeOptions): Promise<Summary[]>
  /**
   * ROUGE of summaries against those of a data set, beside that of the documents' beginnings.
   *
   * @throws DataError as `transfer`, ArgumentError as `summarize`.
   */
  evaluate(dataset: RowSource, options?: EvaluateOptions): Promise<SummaryScores>
  /**
   * Writes a directory that Python's `transformers` and the `summarization` pipeline of Transformers.js read.
   *
   * @throws FileSystemError
   */
  save(directory: string, options?: SaveOptions): Promise<void>
}

/** What a trained language model is for those who want summaries. */
export function createSummarizer(model: SummaryLanguageModel): Summarizer {
  const { config, tokenizer, generation, maxLength, settings, notes, training } = model
  async function summarize(text: string, options?: SummarizeOptions): Promise<Summary>
  async function summarize(texts: readonly string[], options?: SummarizeOptions): Promise<Summary[]>
  async function summarize(
    given: string | readonly string[],
    options?: SummarizeOptions,
  ): Promise<Summary | Summary[]> {
    if (Array.isArray(given)) return summarizeTexts(model, given as readonly string[], options)
    const [summary] = await summarizeTexts(model, [given as string], options)
    return summary!
  }
  return {
    config,
    tokenizer,
    generation,
    maxLength,
    settings,
    notes,
    ...(training && { training }),
    summarize,
    evaluate: (dataset, options) => evaluateSummaries(model, dataset, options),
    save: (directory, options) => model.save(directory, options),
    saveAdapter: (directory, options) => model.saveAdapter(directory, options),
    dispose: () => model.dispose(),
  }
}
