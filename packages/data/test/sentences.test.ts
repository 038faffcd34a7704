import { ArgumentError } from '@tfx/common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinSentences, packSentences, splitSentences } from '../src/index'

const textsOf = (text: string, options = {}) => splitSentences(text, options).map((each) => each.text)

describe('splitSentences', () => {
  it.each([
    ['One. Two! Three? Four… Five', ['One.', 'Two!', 'Three?', 'Four…', 'Five']],
    ['Dr. Who met Mr. Smith. They left.', ['Dr. Who met Mr. Smith.', 'They left.']],
    [
      'See fig. 3, e.g. the U.S. Army. Then J. Doe came.',
      ['See fig. 3, e.g. the U.S. Army.', 'Then J. Doe came.'],
    ],
    ['Das ist z. B. Nr. 5. Herr Dr. Maier kam.', ['Das ist z. B. Nr. 5.', 'Herr Dr. Maier kam.']],
    ['It costs 3.14 dollars. Version 2.0.1 is out.', ['It costs 3.14 dollars.', 'Version 2.0.1 is out.']],
    ['He said “Stop.” She did. (He too.) Fine.', ['He said “Stop.”', 'She did.', '(He too.)', 'Fine.']],
    ['我们今天去学校。明天呢？好！', ['我们今天去学校。', '明天呢？', '好！']],
    ['これはペンです。そうですか。', ['これはペンです。', 'そうですか。']],
    ['यह वाक्य है। दूसरा।', ['यह वाक्य है।', 'दूसरा।']],
    ['1. First item\n2. Second item. More.', ['1. First item', '2. Second item.', 'More.']],
    ['A heading\n\nA text\r\nof lines.', ['A heading', 'A text', 'of lines.']],
    ['“Stop!” she said. Yahoo! is a name.', ['“Stop!” she said.', 'Yahoo! is a name.']],
    ['He left ... and came. ...', ['He left ... and came.', '...']],
    ['「はい。」と言った。', ['「はい。」', 'と言った。']],
    ['At 5 p.m.  he left.  Then came ...  nothing.', ['At 5 p.m.  he left.', 'Then came ...  nothing.']],
    ['file.name and node.js are one', ['file.name and node.js are one']],
  ])('%j', (text, expected) => expect(textsOf(text)).toEqual(expected))

  it('lets sentences of wrapped text go on behind a line break', () => {
    const text = 'A sentence that\r\ngoes on. Another\none.\n \nNext paragraph'
    expect(textsOf(text, { wrapped: true })).toEqual([
      'A sentence that\r\ngoes on.',
      'Another\none.',
      'Next paragraph',
    ])
  })

  it('keeps every byte, whatever the text', () => {
    const part = fc.constantFrom(
      'Dr.',
      'e.g. ',
      'a',
      'B',
      '. ',
      '!',
      ' ',
      '\n',
      '\r\n',
      '\t',
      '。',
      '\u2028',
      '\ufeff',
      '😀',
      '\ud83d',
      '\0',
      '"',
      '1.',
    )
    const text = fc.oneof(
      fc.array(part).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(text, fc.boolean(), (text, wrapped) => {
        const sentences = splitSentences(text, { wrapped })
        expect(joinSentences(sentences)).toBe(text)
        for (const [index, { text: sentence, separator }] of sentences.entries()) {
          if (sentence === '') expect(index).toBe(0)
          expect(separator.trim()).toBe('')
        }
      }),
      { numRuns: 100 },
    )
  })

  it('takes time in proportion to the text', () => {
    const word = `${'Word '.repeat(20)}end. `
    expect(splitSentences(word.repeat(2000))).toHaveLength(2000)
    expect(splitSentences(' '.repeat(300_000) + '\n'.repeat(300_000))).toHaveLength(1)
    expect(splitSentences('x'.repeat(1_000_000))).toHaveLength(1)
    expect(splitSentences('1.'.repeat(200_000)).length).toBeGreaterThan(0)
  })

  it('refuses what is no text', () => {
    expect(() => splitSentences(undefined as never)).toThrow(ArgumentError)
    expect(() => splitSentences(undefined as never)).toThrow(
      "splitSentences: 'text' must be a string, but got undefined. Convert it to a string first.",
    )
  })
})

const countWords = (text: string) => text.split(/\s+/).filter(Boolean).length
const chunksOf = (text: string, maxTokens: number, countTokens = countWords) =>
  [...packSentences(splitSentences(text), { maxTokens, countTokens })].map((chunk) => chunk.text)

describe('packSentences', () => {
  it('packs whole sentences while they fit, with what stands between them', () => {
    expect(chunksOf('One two.  Three.\nFour five six. Seven.', 3)).toEqual([
      'One two.  Three.',
      'Four five six.',
      'Seven.',
    ])
  })

  it('cuts long sentences between words, and long words between characters', () => {
    expect(chunksOf('Go. One two three four five. Go on.', 2)).toEqual([
      'Go.',
      'One two',
      'three four',
      'five.',
      'Go on.',
    ])
    const countCharacters = (text: string) => Array.from(text).length
    expect(chunksOf('ab😀😀cdef', 3, countCharacters)).toEqual(['ab😀', '😀', 'cd', 'ef'])
    expect(chunksOf('😀', 1, (text) => text.length)).toEqual(['😀'])
  })

  it('asks again for the tokens of what it has joined', () => {
    // Every space is a token here, which no sentence has alone.
    expect(chunksOf('A. B. C. D.', 4, (text) => text.split(' ').length * 2 - 1)).toEqual(['A. B.', 'C. D.'])
  })

  it('loses nothing, and never exceeds what it may', () => {
    const word = fc.constantFrom('a', 'bb', 'Dr.', 'end.', 'x'.repeat(40), '\n', '  ')
    fc.assert(
      fc.property(fc.array(word), fc.integer({ min: 1, max: 12 }), (words, maxTokens) => {
        const text = words.join(' ')
        const countTokens = (part: string) => Math.ceil(part.trim().length / 3)
        const chunks = [...packSentences(splitSentences(text), { maxTokens, countTokens })]
        expect(joinSentences(chunks)).toBe(text)
        for (const chunk of chunks) expect(countTokens(chunk.text)).toBeLessThanOrEqual(maxTokens)
      }),
    )
  })

  it('reads no further than it is asked for', () => {
    let read = 0
    const sentences = (function* () {
      for (;;) {
        read++
        yield { text: 'a b.', separator: ' ' }
      }
    })()
    expect(packSentences(sentences, { maxTokens: 2, countTokens: countWords }).next().value?.text).toBe(
      'a b.',
    )
    expect(read).toBe(2)
  })

  it('refuses a size that holds nothing', () => {
    expect(() => chunksOf('a', 0)).toThrow(
      "packSentences: 'maxTokens' must be an integer of at least 1, but got 0.",
    )
  })
})
