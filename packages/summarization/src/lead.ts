import { splitSentences } from '@tfx/data'

/** What any summary must beat: the beginnings of the documents, as long as the references are on average. */
export interface LeadSummaries {
  /** The first sentences: as many as references have on average, and at least one. */
  readonly leadSentences: readonly string[]
  /** The first words: as many as references have on average. */
  readonly leadWords: readonly string[]
}

/**
 * The lead baselines. They know how long the references are, which a model must guess.
 *
 * @param documents The documents.
 * @param references Their summaries, at least one each.
 */
export function leadSummaries(
  documents: readonly string[],
  references: readonly (readonly string[])[],
): LeadSummaries {
  const all = references.flat()
  const words = Math.max(1, Math.round(mean(all.map((text) => wordsOf(text).length))))
  const sentences = Math.max(1, Math.round(mean(all.map((text) => sentencesOf(text).length))))
  return {
    leadSentences: documents.map((document) => sentencesOf(document).slice(0, sentences).join(' ')),
    leadWords: documents.map((document) => wordsOf(document).slice(0, words).join(' ')),
  }
}

/** The sentences of a text that may be wrapped. */
export const sentencesOf = (text: string): string[] =>
  splitSentences(text, { wrapped: true })
    .map((sentence) => sentence.text)
    .filter((sentence) => sentence !== '')

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
