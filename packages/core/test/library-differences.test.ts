import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { createTokenizer } from '../src/index'

interface Kind {
  tokenizer: Record<string, unknown>
  cases: { texts: [string, string?]; inputIds: number[]; tokenTypeIds: number[] }[]
}

const { kinds } = loadFixture<{ kinds: Record<string, Kind> }>('core/library-tokenizers')

describe.each(Object.entries(kinds))('a tokenizer of the kind %s', (_, { tokenizer, cases }) => {
  it.each(cases)("gives the ids of Python's tokenizers for $texts", ({ texts, inputIds, tokenTypeIds }) => {
    const encoded = createTokenizer({ tokenizer, config: { pad_token: '[PAD]' } }).encode(...texts)
    expect(encoded.inputIds).toEqual(inputIds)
    if (encoded.tokenTypeIds) expect(encoded.tokenTypeIds).toEqual(tokenTypeIds)
  })
})
