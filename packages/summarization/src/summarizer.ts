import { checkIsOptions } from '@tfx/common'
import type { SequenceToSequenceConfig } from '@tfx/core'
import type { RowSource } from '@tfx/data'
import { answerStream, type ModelBasics, modelBasics } from '@tfx/transfer'
import { type EvaluateOptions, evaluateSummaries, type SummaryScores } from './evaluate'
import { type SummarizeOptions, summarizeTexts, type Summary, type SummaryLanguageModel } from './summarize'

/** A model that summarizes. */
export interface Summarizer extends ModelBasics<SequenceToSequenceConfig> {
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
   * Summarizes documents as they come, in constant memory and in their order; `batchSize` (16) of them at a time. The stream is
   * read no further than summaries are asked for.
   *
   * @throws As `summarize`.
   */
  predictStream(
    texts: Iterable<string> | AsyncIterable<string>,
    options?: SummarizeOptions,
  ): AsyncGenerator<Summary, void, undefined>
  /**
   * ROUGE of summaries against those of a data set, beside that of the documents' beginnings.
   *
   * @throws DataError as `transfer`, ArgumentError as `summarize`.
   */
  evaluate(dataset: RowSource, options?: EvaluateOptions): Promise<SummaryScores>
}

/** What a trained language model is for those who want summaries. */
export function createSummarizer(model: SummaryLanguageModel): Summarizer {
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
    ...modelBasics(model),
    summarize,
    async *predictStream(texts, options = {}) {
      checkIsOptions(options, { caller: 'predictStream' })
      yield* answerStream(texts, {
        batchSize: options.batchSize ?? 16,
        signal: options.signal,
        answer: (batch, part) => summarizeTexts(model, batch, { ...options, ...part }),
      })
    },
    evaluate: (dataset, options) => evaluateSummaries(model, dataset, options),
  }
}
