import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStopWatch } from '../src/chat-model/stop-strings'
import { createTextPieces } from '../src/chat-model/text-pieces'

// Tokens are bytes.
const decode = (tokens: number[]) =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(tokens))
const encode = (text: string) => [...new TextEncoder().encode(text)]

function piecesOf(tokens: readonly number[], decodeText = decode): string[] {
  const pieces = createTextPieces(decodeText)
  return [...tokens.map((token) => pieces.push(token)), pieces.end()].filter((piece) => piece !== '')
}

describe('createTextPieces', () => {
  it('gives out whole characters', () => {
    expect(piecesOf(encode('né 😀x'))).toEqual(['n', 'é', ' ', '😀', 'x'])
    expect(piecesOf(encode('a😀').slice(0, 3))).toEqual(['a', '\uFFFD'])
  })

  it('gives, together, the text of any bytes', () => {
    const bytes = fc.array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...encode('é€😀'))))
    fc.assert(
      fc.property(bytes, (tokens) => {
        expect(piecesOf(tokens).join('')).toBe(decode(tokens))
      }),
    )
  })

  it('keeps the space in front of a word that is not the first', () => {
    const words = ['▁Hello', '▁big', '▁world']
    const join = (tokens: number[]) =>
      tokens
        .map((token) => words[token])
        .join('')
        .replaceAll('▁', ' ')
        .replace(/^ /, '')
    expect(piecesOf([0, 1, 2], join)).toEqual(['Hello', ' big', ' world'])
  })

  it('decodes few tokens at a time', () => {
    let longest = 0
    piecesOf(encode('x'.repeat(500)), (tokens) => {
      longest = Math.max(longest, tokens.length)
      return decode(tokens)
    })
    expect(longest).toBe(2)
  })
})

describe('createStopWatch', () => {
  const until = (pieces: readonly string[], stops: readonly string[]) => {
    const watch = createStopWatch(stops)
    const texts = pieces.map((piece) => watch.push(piece))
    return [...texts, watch.end()].join('')
  }

  it('holds back what may be the beginning of a stop string, and no more', () => {
    const watch = createStopWatch(['\nUser:'])
    expect(watch.push('Hi\n')).toBe('Hi')
    expect(watch.push('Us')).toBe('')
    expect(watch.push('ed')).toBe('\nUsed')
    expect(watch.push('\nUser: x')).toBe('')
    expect(watch.stopped).toBe(true)
    expect(watch.push('more')).toBe('')
    expect(watch.end()).toBe('')
  })

  it('cuts at the first stop string, however the text comes in pieces', () => {
    const letters = fc.constantFrom('a', 'b', 'c')
    const words = fc.array(letters, { minLength: 1, maxLength: 3 }).map((list) => list.join(''))
    const pieces = fc.array(fc.array(letters, { maxLength: 4 }).map((list) => list.join('')))
    fc.assert(
      fc.property(pieces, fc.array(words, { maxLength: 3 }), (parts, stops) => {
        const text = parts.join('')
        // The shortest beginning that ends with a stop string.
        const lengths = Array.from({ length: text.length + 1 }, (_, length) => length)
        const end = lengths.find((length) => stops.some((stop) => text.slice(0, length).endsWith(stop)))
        const longest = Math.max(
          0,
          ...stops.map((stop) => (text.slice(0, end).endsWith(stop) ? stop.length : 0)),
        )
        expect(until(parts, stops)).toBe(end === undefined ? text : text.slice(0, end - longest))
      }),
      {
        numRuns: 2000,
        examples: [
          [
            ['ba', 'b'],
            ['a', 'bab'],
          ],
        ],
      },
    )
  })
})
