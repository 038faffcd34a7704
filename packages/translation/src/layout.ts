import { type Sentence, splitSentences } from '@tfx/data'

/** Into what a document is cut: sentences, lines, or nothing. */
export type SplitInto = 'sentences' | 'lines' | 'none'

const borders = { lines: /^\s+|\s*\n\s*|\s+$/g, none: /^\s+|\s+$/g } as const

/** What begins a line without being of its text: the marks of lists, headings and quotations. */
const marks = /^(?:(?:[-*+•‣–—]|\d{1,3}[.)]|#{1,6}|>+)\s+)+/u

/**
 * Cuts a document into pieces to translate one by one. What stands between them is its layout: line breaks, blank lines and
 * indentation, the marks of lists, headings and quotations, and what has no letters, such as rules and numbers by themselves.
 * The texts with their separators, joined, are the document again; layout that no text is in front of has an empty one. Uncut
 * (`none`), only white space at the ends is layout.
 */
export function segmentText(text: string, into: SplitInto): Sentence[] {
  const pieces = into === 'sentences' ? splitSentences(text) : cutAt(text, borders[into])
  if (into === 'none') return pieces
  return pieces.flatMap(({ text, separator }, index) => {
    if (!/\p{L}/u.test(text)) return [{ text: '', separator: text + separator }]
    const before = pieces[index - 1]
    // An empty text in front is the beginning's white space.
    const isLine = before === undefined || before.text === '' || before.separator.includes('\n')
    const mark = isLine ? (marks.exec(text)?.[0] ?? '') : ''
    const rest = { text: text.slice(mark.length), separator }
    return mark === '' ? [rest] : [{ text: '', separator: mark }, rest]
  })
}

function cutAt(text: string, border: RegExp): Sentence[] {
  const segments: Sentence[] = []
  let start = 0
  for (const { 0: separator, index } of text.matchAll(border)) {
    segments.push({ text: text.slice(start, index), separator })
    start = index + separator.length
  }
  return start < text.length ? [...segments, { text: text.slice(start), separator: '' }] : segments
}
