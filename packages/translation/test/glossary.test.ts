import { loadTokenizer } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { glossaryTerms } from '../src/glossary'
import { scratchBase } from '../src/index'

const tokenizer = await loadTokenizer(fixturePath('core/sentence-piece/t5'))

describe('terms to be forced', () => {
  it.each([
    ['dog', 'The Dog barks.', true],
    ['dog', 'hotdogs', false],
    ['guide dog', 'a guide\n  dog', true],
    ['C++', 'in C++.', true],
    // Scripts without spaces have no borders of words.
    ['犬', '犬が走る。', true],
    ['JavaScript', 'JavaScriptは言語です', true],
    ['Java', 'JavaScriptは言語です', false],
    ['หมา', 'ผมมีหมาสองตัว', true],
  ])('%s in %s: %s', (term, sentence, isThere) => {
    const terms = glossaryTerms({ force: { [term]: 'Hund' } }, tokenizer)
    expect(terms.forced(sentence)).toHaveLength(isThere ? 1 : 0)
  })
})

describe('spellings', () => {
  it('are behind a space, with and without a capital', async () => {
    // Bytes of which each is a token.
    const { tokenizer: bytes } = await scratchBase([{ en: 'a', de: 'b' }], { vocabSize: 270, hiddenSize: 8 })
    const [ways] = glossaryTerms({ force: ['ab'] }, bytes).forced('')
    expect(ways!.map((way) => bytes.decode(way))).toEqual([' ab', ' Ab'])
  })

  it('need no space in scripts without spaces', async () => {
    const several = await loadTokenizer(fixturePath('core/sentence-piece/mbart50'))
    const [ways] = glossaryTerms({ force: ['語'] }, several).forced('')
    const behind = several.encode('日本', undefined, { addSpecialTokens: false }).inputIds
    expect(ways!.map((way) => several.decode([...behind, ...way]))).toEqual(['日本 語', '日本語'])
  })
})

describe('terms to be forbidden', () => {
  const terms = glossaryTerms({ forbid: ['Hund', 'groß', 'U.S.', '犬'] }, tokenizer)
  it.each([
    ['Der Hund bellt.', true],
    ['(Hund)', true],
    ['Hunde bellen.', false],
    ['hund', false],
    ['Groß ist er.', true],
    ['GROSS', false],
    ['in den U.S. Staaten', true],
    ['in den UvSx', false],
    ['白犬が走る。', true],
  ])('%s: %s', (translation, isThere) => {
    expect(terms.hasForbidden(translation)).toBe(isThere)
  })
})

describe('terms that cannot be', () => {
  it.each([
    [{ force: { dog: '猫' } }, "terms in the letters of the model's vocabulary, but got '猫'"],
    [
      { force: ['der Hund'], forbid: ['Hund'] },
      "terms that are not forced, but got what the forced 'der Hund' has",
    ],
  ])('%j', (glossary, message) => {
    expect(() => glossaryTerms(glossary, tokenizer)).toThrow(message)
  })
})
