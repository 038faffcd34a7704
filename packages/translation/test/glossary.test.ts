import { loadTokenizer } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { glossaryTokens } from '../src/glossary'

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
    const terms = glossaryTokens({ force: { [term]: 'Hund' } }, tokenizer)
    expect(terms.forced(sentence)).toHaveLength(isThere ? 1 : 0)
  })
})
