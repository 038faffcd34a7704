/** A piece of a document: what is translated, and what stands behind it as it is. */
export interface Segment {
  /** Without space at its ends; empty for a line without text. */
  readonly text: string
  /** Space behind it. */
  readonly after: string
}

/** A document in pieces; its layout is what stands between them. */
export interface SegmentedText {
  /** Space in front of the first. */
  readonly before: string
  readonly segments: readonly Segment[]
}

/** Into what a document is cut: sentences, lines, or nothing. */
export type SplitInto = 'sentences' | 'lines' | 'none'

/**
 * Cuts a document into pieces to translate one by one. Line breaks, blank lines, indentation and spaces between
 * sentences are kept; marks of lists stay with the line's text.
 *
 * @param language Of the text, by BCP 47: whose rules say where sentences end. Default: those of all languages.
 */
export function segmentText(text: string, into: SplitInto, language?: string): SegmentedText {
  const pieces =
    into === 'none' ? [text] : text.split(/(?<=\n)/).flatMap((line) => sentences(line, into, language))
  let before = ''
  const segments: { text: string; after: string }[] = []
  for (const piece of pieces) {
    const core = piece.trim()
    const start = core === '' ? piece.length : piece.indexOf(core)
    const last = segments.at(-1)
    if (last) last.after += piece.slice(0, start)
    else before += piece.slice(0, start)
    if (core !== '') segments.push({ text: core, after: piece.slice(start + core.length) })
  }
  return { before, segments }
}

/** The document with other texts in the place of its own. */
export function joinSegments({ before, segments }: SegmentedText, texts: readonly string[]): string {
  return before + segments.map(({ after }, index) => texts[index]! + after).join('')
}

function sentences(line: string, into: SplitInto, language: string | undefined): string[] {
  if (into === 'lines') return [line]
  const locale = language === undefined ? undefined : languageOf(language)
  const segmenter = new Intl.Segmenter(locale, { granularity: 'sentence' })
  return Array.from(segmenter.segment(line), ({ segment }) => segment)
}

/** The language of a code such as `deu_Latn`, by BCP 47: `de`; undefined if it is none. */
export function languageOf(code: string): string | undefined {
  try {
    return new Intl.Locale(code.replaceAll('_', '-')).language
  } catch {
    return undefined
  }
}

/**
 * Cuts a text that is too long at a space, the one nearest to its middle, again and again.
 *
 * @param fits Whether a text is short enough.
 * @returns The pieces, each with the space behind it.
 */
export function cutLongText(text: string, fits: (text: string) => boolean): Segment[] {
  if (text.length < 2 || fits(text)) return [{ text, after: '' }]
  const middle = text.length >> 1
  const [left, right] = [text.lastIndexOf(' ', middle), text.indexOf(' ', middle)]
  const isLeft = left > 0 && (right < 0 || middle - left <= right - middle)
  const space = isLeft ? left : right
  // No space at all: between two characters.
  const isPair = (text.codePointAt(middle - 1) ?? 0) > 0xffff
  const [end, start] = space > 0 ? [space, space + 1] : isPair ? [middle - 1, middle - 1] : [middle, middle]
  const halves = [text.slice(0, end), text.slice(start)].map((half) => cutLongText(half, fits))
  const first = halves[0]!
  const seam = { ...first.at(-1)!, after: text.slice(end, start) }
  return [...first.slice(0, -1), seam, ...halves[1]!]
}
