import { describe, expect, it } from 'vitest'
import { cutLongText, joinSegments, segmentText } from '../src/layout'

const documents = [
  'One sentence.',
  'It rains. Dr. Smith stays in! Why?',
  '\n\n  Title\n\n- first item. Second sentence.\n- second item\r\n\r\n\tIndented.   Three  spaces. \n',
  '東京へ行きます。また来ます。',
  'no end',
]

describe('segmentText', () => {
  it.each(documents)('keeps all of the layout: %j', (document) => {
    for (const into of ['sentences', 'lines', 'none'] as const) {
      const segmented = segmentText(document, into)
      const texts = segmented.segments.map(({ text }) => text)
      expect(joinSegments(segmented, texts)).toBe(document)
      for (const text of texts) expect(text).toBe(text.trim())
    }
  })

  it('cuts lines into sentences', () => {
    const texts = (into: 'sentences' | 'lines' | 'none') =>
      segmentText('It rains. We stay in!\nWhy?', into, 'en').segments.map(({ text }) => text)
    expect(texts('sentences')).toEqual(['It rains.', 'We stay in!', 'Why?'])
    expect(texts('lines')).toEqual(['It rains. We stay in!', 'Why?'])
    expect(texts('none')).toEqual(['It rains. We stay in!\nWhy?'])
  })

  it('takes any name of a language', () => {
    for (const language of ['eng_Latn', 'de_DE', 'zh-Hant', 'no language at all']) {
      expect(segmentText('Yes. No.', 'sentences', language).segments).toHaveLength(2)
    }
  })
})

describe('cutLongText', () => {
  const short = (text: string) => text.length <= 7

  it('cuts at spaces, so that every piece is short and nothing is lost', () => {
    const text = 'aa bbb cccc ddddd eeeeee ff g'
    const pieces = cutLongText(text, short)
    expect(pieces.map((piece) => piece.text + piece.after).join('')).toBe(text)
    for (const piece of pieces) expect(piece.text.length).toBeLessThanOrEqual(7)
    expect(pieces.length).toBeLessThan(8)
    expect(pieces.every((piece) => !piece.text.includes('  '))).toBe(true)
  })

  it('cuts a text without spaces between characters, not inside one', () => {
    for (const text of ['x'.repeat(50), '👍'.repeat(25), `y${'👍'.repeat(24)}`]) {
      const pieces = cutLongText(text, short)
      expect(pieces.map((piece) => piece.text + piece.after).join('')).toBe(text)
      for (const piece of pieces) expect(piece.text).not.toMatch(/\p{Cs}/u)
    }
  })

  it('leaves a short text whole', () => {
    expect(cutLongText('a bc', short)).toEqual([{ text: 'a bc', after: '' }])
  })
})
