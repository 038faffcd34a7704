/**
 * Between a space, or the end of a sentence, and a letter or digit there is always a boundary, of words as of characters.
 * Two letters, of Thai and Lao, belong to what is before them.
 */
const certainBoundary = /(?<=[ \t\n\r\u3000。、！？])(?=(?![\u0E33\u0EB3])[\p{L}\p{N}])/u

/**
 * The segments of a text, in time that grows with its length: each segment of `Intl.Segmenter` comes with a copy of all
 * that was given to it, so that it is given little at a time.
 */
export function segmentsOf(text: string, segmenter: Intl.Segmenter): Intl.SegmentData[] {
  return text.split(certainBoundary).flatMap((part) => Array.from(segmenter.segment(part)))
}
