import { checkIsOptions, DataError } from '@tfx/common'
import type { RowSource } from '@tfx/data'
import { createRouge, rouge, type RougeOptions, type RougeScore } from '@tfx/metrics'
import type { ReadingOptions, SummaryExample } from './example'
import { leadSummaries, sentencesOf } from './lead'
import { readExamples } from './read-examples'
import { type SummarizeOptions, summarizeTexts, type Summary, type SummaryLanguageModel } from './summarize'

/** Options of `evaluate`: how rows are read, how documents are summarized, and how words are compared. */
export interface EvaluateOptions extends ReadingOptions, SummarizeOptions, RougeOptions {}

/** F1 of ROUGE, from 0 to 1, the mean over documents. */
export type RougeF1 = Readonly<Record<keyof RougeScore, number>>

/** How good summaries are, beside what they must beat. */
export interface SummaryScores extends RougeF1 {
  /** The beginnings of the documents, as long as the references are on average: sentences, and words. */
  readonly baselines: Readonly<Record<'leadSentences' | 'leadWords', RougeF1>>
  /** In the order of the rows. */
  readonly summaries: readonly Summary[]
}

/**
 * Summarizes documents and compares with their summaries by ROUGE, sentence by sentence for ROUGE-Lsum; the beginnings of the
 * documents are scored in the same way.
 *
 * @throws DataError if there are no rows, or as `transfer`; ArgumentError.
 */
export async function evaluateSummaries(
  model: SummaryLanguageModel,
  dataset: RowSource,
  given: EvaluateOptions = {},
): Promise<SummaryScores> {
  checkIsOptions(given, { caller: 'evaluate' })
  const {
    documentColumn,
    summaryColumn,
    incomplete,
    tokenizer = usualComparison.tokenizer,
    stemming = usualComparison.stemming,
    ...options
  } = given
  const reading = {
    ...(documentColumn !== undefined && { documentColumn }),
    ...(summaryColumn !== undefined && { summaryColumn }),
    ...(incomplete !== undefined && { incomplete }),
  }
  const { examples } = await readExamples(dataset, { ...reading, signal: options.signal, caller: 'evaluate' })
  if (examples.length === 0) {
    throw new DataError({
      function: 'evaluate',
      argument: 'dataset',
      expected: 'at least one document with its summary',
      received: 'none',
      remedy: 'Check that the file is not empty and that its rows have both.',
    })
  }
  const documents = examples.map(({ text }) => text)
  const references = examples.map(({ targets }) => targets)
  const comparing = { tokenizer, stemming }
  // A wrong tokenizer is found before all the writing.
  createRouge(comparing)
  const summaries = await summarizeTexts(model, documents, options)
  const { leadSentences, leadWords } = leadSummaries(documents, references)
  const texts = summaries.map(({ text }) => text)
  return {
    ...rougeOf(references, texts, comparing),
    baselines: {
      leadSentences: rougeOf(references, leadSentences, comparing),
      leadWords: rougeOf(references, leadWords, comparing),
    },
    summaries,
  }
}

/** ROUGE of the summaries of some examples. */
export async function scoreSummaries(
  model: SummaryLanguageModel,
  examples: readonly SummaryExample[],
  options: Pick<SummarizeOptions, 'signal'>,
): Promise<Record<string, number>> {
  const documents = examples.map(({ text }) => text)
  const summaries = await summarizeTexts(model, documents, options)
  const references = examples.map(({ targets }) => targets)
  return {
    ...rougeOf(
      references,
      summaries.map(({ text }) => text),
      usualComparison,
    ),
  }
}

const usualComparison = { tokenizer: 'latin', stemming: true } as const

const rougeOf = (
  references: readonly (readonly string[])[],
  texts: readonly string[],
  options: RougeOptions,
): RougeF1 =>
  f1Of(
    rouge(
      references.map((each) => each.map(inLines)),
      texts.map(inLines),
      options,
    ),
  )

/** Each sentence on a line of its own, as ROUGE-Lsum wants it. */
const inLines = (text: string): string => sentencesOf(text).join('\n')

const f1Of = (score: RougeScore): RougeF1 => ({
  rouge1: score.rouge1.f1,
  rouge2: score.rouge2.f1,
  rougeL: score.rougeL.f1,
  rougeLsum: score.rougeLsum.f1,
})
