import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  augmentStream,
  augmentText,
  augmentTexts,
  backTranslation,
  type BatchAugmentation,
  caseNoise,
  characterDeletion,
  characterInsertion,
  characterSubstitution,
  characterSwap,
  compose,
  eda,
  keyboardTypos,
  oneOf,
  spanMasking,
  synonymInsertion,
  synonymReplacement,
  type TextAugmentation,
  withProbability,
  wordDeletion,
  wordSwap,
} from '../src/index'

import { segmentsOf } from '../src/augmentation/segments'

const synonyms = (word: string) => (word.length > 2 ? [`${word}like`, `un${word}`] : [])
const characters = (text: string) => [...text]
const sorted = (values: readonly string[]) => [...values].sort()
const graphemes = (text: string) =>
  Array.from(new Intl.Segmenter('en').segment(text), ({ segment }) => segment)
const words = (text: string) => text.split(' ')

/** Whether the one is what is left when some of the other is left out. */
function isPartOf(part: readonly string[], whole: readonly string[]): boolean {
  let taken = 0
  for (const value of whole) if (value === part[taken]) taken++
  return taken === part.length
}

/** Every augmentation of one text, with high rates so that much happens. */
const all: readonly TextAugmentation[] = [
  characterSwap({ rate: 0.5 }),
  characterInsertion({ rate: 0.5 }),
  characterDeletion({ rate: 0.5 }),
  characterSubstitution({ rate: 0.5 }),
  caseNoise({ rate: 0.5 }),
  keyboardTypos({ rate: 0.5 }),
  wordSwap({ alpha: 0.5 }),
  wordDeletion({ alpha: 0.5 }),
  synonymReplacement({ alpha: 0.5, synonyms }),
  synonymInsertion({ alpha: 0.5, synonyms }),
  eda({ alpha: 0.5, synonyms }),
  spanMasking({ rate: 0.5 }),
  spanMasking({ rate: 0.5, mask: '[MASK]', per: 'word' }),
]
const long = Array.from({ length: 100 }, (_, number) => `word${number} Тест naïve 👩‍👩‍👧`).join(' ')

/** Texts of any script, with emoji, accents and odd spaces. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc
    .array(fc.constantFrom('film', 'Über', 'e\u0301', '👩‍👩‍👧', '🇩🇪', '電影', 'no', "don't", '…', '한국어'), {
      maxLength: 12,
    })
    .map((parts) => parts.join(' ')),
)
const place = fc.record({ seed: fc.integer(), epoch: fc.nat(100), index: fc.nat(10_000) })

describe.each(all.map((augmentation) => [augmentation.name, augmentation] as const))(
  '%s',
  (_, augmentation) => {
    it('gives well-formed text that is not blank unless it was, the same for the same place', () => {
      fc.assert(
        fc.property(anyText, place, (text, where) => {
          const changed = augmentText(augmentation, text, where)
          expect(/\p{Surrogate}/u.test(changed)).toBe(false)
          if (text.trim() !== '') expect(changed.trim()).not.toBe('')
          expect(augmentText(augmentation, text, where)).toBe(changed)
        }),
        { numRuns: 80, seed: 1 },
      )
    })

    it('gives other texts in other epochs, at other places and for other seeds', () => {
      const first = augmentText(augmentation, long)
      expect(first).not.toBe(long)
      for (const where of [{ epoch: 2 }, { index: 1 }, { seed: 1 }])
        expect(augmentText(augmentation, long, where)).not.toBe(first)
    })

    it('leaves nothing as it is', () => {
      for (const nothing of ['', ' ', '\n\t']) expect(augmentText(augmentation, nothing)).toBe(nothing)
    })
  },
)

describe('segments', () => {
  it.each(['grapheme', 'word'] as const)('are those of Intl.Segmenter (%s)', (granularity) => {
    const segmenter = new Intl.Segmenter('en', { granularity })
    const parts = fc.constantFrom(
      ...[...' \t\n\r\u3000\u00a0\u202f\u200d\u0301ำຳกa1.\'_"。、！？カ電한\u1100'],
      '🇩🇪',
      '👩‍👩‍👧',
      '\r\n',
    )
    const any = fc
      .oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
      .map((code) => String.fromCodePoint(code))
    const text = fc.array(fc.oneof(parts, any)).map((all) => all.join(''))
    fc.assert(
      fc.property(text, (value) => {
        const pieces = (from: Intl.SegmentData[]) =>
          from.map(({ segment, isWordLike }) => [segment, isWordLike])
        expect(pieces(segmentsOf(value, segmenter))).toEqual(pieces([...segmenter.segment(value)]))
      }),
      { numRuns: 300, seed: 4 },
    )
  })
})

describe('noise by character', () => {
  it('only swaps neighbours, within words', () => {
    fc.assert(
      fc.property(anyText, place, (text, where) => {
        const changed = augmentText(characterSwap({ rate: 0.5 }), text, where)
        expect(sorted(characters(changed))).toEqual(sorted(characters(text)))
        const pieces = (value: string) => value.split(/\s/).map((word) => sorted(characters(word)).join(''))
        expect(pieces(changed)).toEqual(pieces(text))
      }),
      { numRuns: 80, seed: 2 },
    )
    expect(augmentText(characterSwap({ rate: 1 }), 'abcde e\u0301x👩‍👩‍👧y')).toBe('badce xe\u0301y👩‍👩‍👧')
  })

  it('never takes an accent or an emoji apart', () => {
    const text = 'ae\u0301 👩‍👩‍👧 🇩🇪 x y'.repeat(30)
    const known = new Set(graphemes(text))
    for (const augmentation of [characterSwap, characterDeletion, caseNoise]) {
      for (const character of graphemes(augmentText(augmentation({ rate: 0.4 }), text)))
        expect(known.has(character.toLowerCase()), character).toBe(true)
    }
  })

  it('inserts, deletes and substitutes nothing but what it should', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', 'ß', 'é', '👩‍👩‍👧', ' ') }),
        place,
        (text, where) => {
          const alphabet = '\u{1F600}z'
          const longer = augmentText(characterInsertion({ rate: 0.5, alphabet }), text, where)
          expect(longer.replace(/[\u{1F600}z]/gu, '')).toBe(text)
          const shorter = graphemes(augmentText(characterDeletion({ rate: 0.5 }), text, where))
          expect(isPartOf(shorter, graphemes(text))).toBe(true)
          const other = graphemes(augmentText(characterSubstitution({ rate: 0.5, alphabet }), text, where))
          expect(other.length).toBe(graphemes(text).length)
          graphemes(text).forEach((character, index) => {
            if (other[index] !== character) expect(['\u{1F600}', 'z']).toContain(other[index])
            if (character === ' ') expect(other[index]).toBe(' ')
          })
        },
      ),
      { numRuns: 80, seed: 3 },
    )
  })

  it('changes case alone, of letters that have two', () => {
    const changed = augmentText(caseNoise({ rate: 1 }), 'Straße 電影 ŉ Ünder')
    expect(changed).toBe('sTRAßE 電影 ŉ üNDER')
  })

  it('hits the keys beside', () => {
    const beside = (key: string, layout: 'qwerty' | 'qwertz' | 'azerty' = 'qwerty') => {
      const hits = Array.from({ length: 200 }, (_, index) =>
        augmentText(keyboardTypos({ rate: 1, layout }), key, { index }),
      )
      return sorted([...new Set(hits)]).join('')
    }
    expect(beside('g')).toBe('bfhtvy')
    expect(beside('q')).toBe('12aw')
    expect(beside('G')).toBe('BFHTVY')
    expect(beside('p')).toBe('0lo')
    expect(beside('t', 'qwertz')).toBe('56fgrz')
    expect(beside('a', 'azerty')).toBe('12qz')
    expect(beside('é')).toBe('é')
  })

  it.each([
    ['insertion', characterInsertion, (text: string, from: string) => text.length - from.length],
    ['deletion', characterDeletion, (text: string, from: string) => from.length - text.length],
    ['substitution', characterSubstitution, differences],
    ['case noise', caseNoise, differences],
    ['keyboard typos', keyboardTypos, differences],
  ])('happens at its rate: %s', (_, create, count) => {
    const text = 'abcde fghij '.repeat(400)
    for (const rate of [0.05, 0.3]) {
      const changes = count(augmentText(create({ rate }), text), text)
      const deviation = Math.sqrt(4000 * rate * (1 - rate))
      expect(Math.abs(changes - rate * 4000)).toBeLessThan(4 * deviation)
    }
    // The default.
    expect(augmentText(create(), text)).toBe(augmentText(create({ rate: 0.05 }), text))
    expect(augmentText(create({ rate: 0 }), text)).toBe(text)
  })

  it('swaps at its rate where neighbours have not been swapped', () => {
    const text = 'ab '.repeat(4000)
    const changed = augmentText(characterSwap({ rate: 0.2 }), text)
    const swaps = changed.split('ba').length - 1
    expect(Math.abs(swaps - 800)).toBeLessThan(4 * Math.sqrt(4000 * 0.2 * 0.8))
  })
})

function differences(text: string, from: string): number {
  return characters(text).filter((character, index) => character !== from[index]).length
}

describe('noise by word', () => {
  it('swaps words and leaves what is between them', () => {
    const text = 'One, two – three; (four) five!'
    for (let index = 0; index < 20; index++) {
      const changed = augmentText(wordSwap(), text, { index })
      expect(changed.replace(/\w+/g, 'w')).toBe('w, w – w; (w) w!')
      expect(sorted(changed.match(/\w+/g)!)).toEqual(sorted(text.match(/\w+/g)!))
      expect(changed).not.toBe(text)
    }
  })

  it('deletes words with a space each', () => {
    const seen = new Set(
      Array.from({ length: 100 }, (_, index) =>
        augmentText(wordDeletion({ alpha: 0.5 }), 'a b, c.', { index }),
      ),
    )
    expect(sorted([...seen])).toEqual(['a b, c.', 'a b,.', 'a, c.', 'a,.', 'b, c.', 'b,.', ', c.'].sort())
    expect(augmentText(wordDeletion({ alpha: 1 }), '電影很好看').length).toBeGreaterThan(0)
  })

  it('deletes words at its rate', () => {
    const text = Array.from({ length: 5_000 }, (_, number) => `w${number}`).join(' ')
    const left = words(augmentText(wordDeletion(), text)).length
    expect(Math.abs(left - 4_500)).toBeLessThan(4 * Math.sqrt(5_000 * 0.1 * 0.9))
  })

  it('leaves a single word', () => {
    for (const augmentation of [wordSwap(), wordDeletion({ alpha: 1 }), spanMasking({ rate: 1 })])
      expect(augmentText(augmentation, 'Great!')).toBe('Great!')
  })

  it('keeps capitals with synonyms, and leaves stop words', () => {
    const replacement = synonymReplacement({ alpha: 1, synonyms: (word) => [`${word} indeed`] })
    expect(augmentText(replacement, 'The Film was GREAT, I say: great!')).toBe(
      'The Film indeed was GREAT INDEED, I say indeed: great indeed!',
    )
    const stopWords = new Set(['film'])
    const own = synonymReplacement({ alpha: 1, synonyms: (word) => [`x${word}`], stopWords })
    expect(augmentText(own, 'the film')).toBe('xthe film')
  })

  it('inserts synonyms at every place', () => {
    const insertion = synonymInsertion({ synonyms: () => ['new'] })
    const seen = new Set(
      Array.from({ length: 60 }, (_, index) => augmentText(insertion, 'One film.', { index })),
    )
    expect(sorted([...seen])).toEqual(['One film new.', 'One new film.', 'new One film.'])
    expect(augmentText(synonymInsertion({ synonyms: () => [] }), 'One film.')).toBe('One film.')
  })
})

describe('spanMasking', () => {
  const text = Array.from({ length: 40 }, (_, number) => `w${number}`).join(' ')

  it('masks its share of the words, each alike, in spans of its length', () => {
    const masked = new Array<number>(40).fill(0)
    const runs = 300
    let spans = 0
    for (let index = 0; index < runs; index++) {
      const changed = words(augmentText(spanMasking(), text, { index }))
      const left = new Set(changed)
      masked.forEach((_, word) => (masked[word]! += left.has(`w${word}`) ? 0 : 1))
      const sentinels = changed.filter((word) => word.startsWith('<'))
      expect(sentinels).toEqual(sentinels.map((_, number) => `<extra_id_${number}>`))
      expect(changed.length - sentinels.length).toBe(34)
      spans += sentinels.length
    }
    // Two spans; the rotation may cut one in two.
    expect(spans / runs).toBeGreaterThanOrEqual(2)
    expect(spans / runs).toBeLessThan(2.2)
    const deviation = Math.sqrt(runs * 0.15 * 0.85)
    for (const count of masked) expect(Math.abs(count - 0.15 * runs)).toBeLessThan(4 * deviation)
  })

  it('masks each word with a token of the user', () => {
    const changed = words(augmentText(spanMasking({ mask: '<mask>', per: 'word', rate: 0.5 }), text))
    expect(changed).toHaveLength(40)
    expect(changed.filter((word) => word === '<mask>')).toHaveLength(20)
    changed.forEach((word, place) => expect(['<mask>', `w${place}`]).toContain(word))
  })
})

async function collect(stream: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = []
  for await (const text of stream) collected.push(text)
  return collected
}

const upper: TextAugmentation = { name: 'upper', apply: (text) => text.toUpperCase() }
const exclaim: BatchAugmentation = {
  name: 'exclaim',
  applyAll: async (texts) => texts.map((text) => `${text}!`),
}
const texts = Array.from({ length: 400 }, (_, number) => `a long text, number ${number}`)

describe('combinations', () => {
  it('applies one after another, of both kinds', async () => {
    expect(augmentText(compose(upper, { name: 'x', apply: (text) => `${text}x` }), 'a')).toBe('Ax')
    expect(await augmentTexts(compose(exclaim, upper, exclaim), ['a', 'b'])).toEqual(['A!!', 'B!!'])
    expect(compose(upper, withProbability(0.5, exclaim), wordSwap({ alpha: 0.2 })).name).toBe(
      'compose(upper, withProbability(0.5, exclaim), wordSwap({"alpha":0.2}))',
    )
  })

  it.each([
    ['one kind', { ...exclaim, apply: (text: string) => `${text}!` }],
    ['both kinds', exclaim],
  ])('chooses for each text, of %s', async (_, other) => {
    const changed = await augmentTexts(oneOf(upper, other), texts)
    const isUpper = changed.map((text, index) => text === texts[index]!.toUpperCase())
    expect(changed).toEqual(texts.map((text, index) => (isUpper[index] ? text.toUpperCase() : `${text}!`)))
    const deviation = Math.sqrt(texts.length * 0.25)
    expect(Math.abs(isUpper.filter(Boolean).length - 200)).toBeLessThan(4 * deviation)
    const some = await augmentTexts(withProbability(0.3, other), texts)
    const count = some.filter((text, index) => text !== texts[index]).length
    expect(Math.abs(count - 120)).toBeLessThan(4 * Math.sqrt(texts.length * 0.21))
    // The same texts are chosen whatever the kind.
    const same = await augmentTexts(withProbability(0.3, upper), texts)
    expect(same.map((text, index) => text !== texts[index])).toEqual(
      some.map((text, index) => text !== texts[index]),
    )
  })

  it('changes a text the same way alone, among others and in a stream', async () => {
    const augmentation = compose(withProbability(0.5, wordSwap()), keyboardTypos())
    const alone = texts.map((text, index) => augmentText(augmentation, text, { seed: 7, epoch: 3, index }))
    expect(await augmentTexts(augmentation, texts, { seed: 7, epoch: 3 })).toEqual(alone)
    const [third] = await augmentTexts(augmentation, [texts[3]!], { seed: 7, epoch: 3, indices: [3] })
    expect(third).toBe(alone[3])
    for (const batchSize of [1, 7, 1000]) {
      const options = { seed: 7, epoch: 3, batchSize, index: 1 }
      expect(await collect(augmentStream(augmentation, texts.slice(1), options))).toEqual(alone.slice(1))
    }
  })

  it('streams: takes no more than a batch before it gives', async () => {
    let taken = 0
    async function* source() {
      for (;;) yield `text ${++taken}`
    }
    const stream = augmentStream(exclaim, source(), { batchSize: 4 })
    expect((await stream.next()).value).toBe('text 1!')
    expect(taken).toBe(4)
    await stream.return(undefined)
    const signal = AbortSignal.abort()
    await expect(augmentStream(exclaim, source(), { signal }).next()).rejects.toThrow(
      'stopped by its AbortSignal',
    )
  })
})

describe('backTranslation', () => {
  it('goes there and back, in one go for all texts', async () => {
    const calls: string[][] = []
    const forward = async (texts: readonly string[]) => {
      calls.push([...texts])
      return texts.map((text) => `de:${text}`)
    }
    const backward = async (texts: readonly string[]) => {
      calls.push([...texts])
      return texts.map((text) => (text === 'de:lost' ? '' : text.replace('de:', 'back:')))
    }
    const changed = await augmentTexts(backTranslation({ forward, backward }), ['a', ' ', 'lost', 'b'])
    expect(changed).toEqual(['back:a', ' ', 'lost', 'back:b'])
    expect(calls).toEqual([
      ['a', 'lost', 'b'],
      ['de:a', 'de:lost', 'de:b'],
    ])
    await augmentTexts(backTranslation({ forward, backward }), ['', ' '])
    expect(calls).toHaveLength(2)
  })

  it('says when a function loses texts', async () => {
    const same = async (texts: readonly string[]) => texts
    const loses = async () => ['one']
    await expect(
      augmentTexts(backTranslation({ forward: same, backward: loses }), ['a', 'b']),
    ).rejects.toThrow(
      "backTranslation: 'backward' must be a function that returns one text for each of 2, but got 1 texts. Return an " +
        'array with the text of each place, unchanged if there is nothing to change.',
    )
    await expect(augmentTexts({ name: 'mine', applyAll: loses }, ['a', 'b'])).rejects.toThrow(
      "mine: 'applyAll' must be",
    )
  })
})

describe('wrong settings', () => {
  it.each([
    [() => characterSwap({ rate: 1.5 }), "characterSwap: 'rate' must be a number from 0 to 1, but got 1.5."],
    [() => characterDeletion({ rate: NaN }), "characterDeletion: 'rate' must be"],
    [() => wordSwap({ alpha: -1 }), "wordSwap: 'alpha' must be"],
    [() => eda({ synonyms, alpha: 2 }), "synonymReplacement: 'alpha' must be"],
    [
      () => spanMasking({ meanLength: 0 }),
      "spanMasking: 'meanLength' must be a number of at least 1, but got 0.",
    ],
    [() => withProbability(2, upper), "withProbability: 'probability' must be"],
    [() => compose(), "compose: 'augmentations' must be one or more, but got none."],
    [() => oneOf(), "oneOf: 'augmentations' must be one or more"],
  ])('are refused: %s', (create, message) => {
    expect(create).toThrow(message)
  })

  it.each<[string, unknown]>([
    ['one that returned 5', 5],
    ['one that returned undefined', undefined],
    ['one that returns a promise', Promise.resolve('a film')],
  ])('are refused when they return no text: %s', async (received, result) => {
    const augmentation = { name: 'mine', apply: () => result as string }
    const message = `mine: 'apply' must be a function that returns a string for each text, but got ${received}.`
    expect(() => augmentText(augmentation, 'a film')).toThrow(message)
    await expect(augmentTexts(augmentation, ['a film'])).rejects.toThrow(message)
  })
})
