import { joinSentences } from '@tfx/data'
import { describe, expect, it } from 'vitest'
import { segmentText } from '../src/layout'

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
      const segments = segmentText(document, into)
      expect(joinSentences(segments)).toBe(document)
      for (const { text } of segments) expect(text).toBe(text.trim())
    }
  })

  it('cuts where it is told to', () => {
    const texts = (into: 'sentences' | 'lines' | 'none') =>
      segmentText(' It rains. We stay in!\n\nWhy?\n', into).flatMap(({ text }) => text || [])
    expect(texts('sentences')).toEqual(['It rains.', 'We stay in!', 'Why?'])
    expect(texts('lines')).toEqual(['It rains. We stay in!', 'Why?'])
    expect(texts('none')).toEqual(['It rains. We stay in!\n\nWhy?'])
  })
})
