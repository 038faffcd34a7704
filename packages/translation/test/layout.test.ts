import { createRandom } from '@tfx/common'
import { joinSentences } from '@tfx/data'
import { describe, expect, it } from 'vitest'
import { segmentText } from '../src/layout'

const documents = [
  'One sentence.',
  'It rains. Dr. Smith stays in! Why?',
  '\n\n  Title\n\n- first item. Second sentence.\n- second item\r\n\r\n\tIndented.   Three  spaces. \n',
  '東京へ行きます。また来ます。',
  'no end',
  '# Title\n\n> - It rains. Why?\n> - 2. It snows.\n---\n  12) Go on.\n| a | b |\n|---|---|\n3.14\n- \n1. \n',
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

  it.each([
    ['# Title\n\nText.', ['Title', 'Text.']],
    ['- one\n  * two. Three - four\n3. five\n12) six', ['one', 'two.', 'Three - four', 'five', 'six']],
    ['> - quoted\n>> twice', ['quoted', 'twice']],
    ['  - indented', ['indented']],
    ['One.\n---\n***\n3.14 %\nTwo.', ['One.', 'Two.']],
    // Marks are at the beginning of lines, and stand apart.
    ['It is 5. - So what?', ['It is 5.', '- So what?']],
    ['-5 degrees. #tag', ['-5 degrees.', '#tag']],
    ['2026 was good.', ['2026 was good.']],
    ['123\n…', []],
  ])('leaves marks and what has no letters as they are: %j', (document, expected) => {
    expect(segmentText(document, 'sentences').flatMap(({ text }) => text || [])).toEqual(expected)
  })

  it('keeps the layout of any text', () => {
    const random = createRandom(3)
    const parts = [
      'a',
      'B.',
      ' ',
      '\n',
      '\t',
      '\r\n',
      '!',
      '。',
      '日',
      '...',
      '"',
      ')',
      '1.',
      'Dr.',
      '😀',
      '\u2028',
      '- ',
      '# ',
      '> ',
    ]
    for (let run = 0; run < 2000; run++) {
      const document = Array.from(
        { length: 1 + random.integer(20) },
        () => parts[random.integer(parts.length)],
      ).join('')
      for (const into of ['sentences', 'lines', 'none'] as const) {
        const segments = segmentText(document, into)
        expect(joinSentences(segments)).toBe(document)
        for (const { text } of segments) expect(text).toBe(text.trim())
      }
    }
  })
})
