import { type Sentence, splitSentences } from '@tfx/data'

/** Into what a document is cut: sentences, lines, or nothing. */
export type SplitInto = 'sentences' | 'lines' | 'none'

const borders = { lines: /^\s+|\s*\n\s*|\s+$/g, none: /^\s+|\s+$/g } as const

/**
 * Cuts a document into pieces to translate one by one. What stands between them, line breaks, blank lines and indentation, is
 * its layout: the texts with their separators, joined, are the document again. Space in front of the first has an empty text.
 */
export function segmentText(text: string, into: SplitInto): Sentence[] {
  if (into === 'sentences') return splitSentences(text)
  const segments: Sentence[] = []
  let start = 0
  for (const { 0: separator, index } of text.matchAll(borders[into])) {
    segments.push({ text: text.slice(start, index), separator })
    start = index + separator.length
  }
  return start < text.length ? [...segments, { text: text.slice(start), separator: '' }] : segments
}
