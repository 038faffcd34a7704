import { fixturePath, loadFixture } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadTokenizer, type Tokenizer } from '../src/index'

interface Expected {
  padTokenId: number
  maskTokenId: number
  specialTokenIds: number[]
  vocabSize: number
  cases: { text: string; pair: string | null; maxLength: number | null; inputIds: number[] }[]
}

const expectations = loadFixture<Record<string, Expected>>('core/encoders/tokenizers')

describe.each([
  ['roberta', 'byte-level BPE'],
  ['xlm-roberta', 'Unigram'],
  ['albert', 'Unigram'],
  ['mpnet', 'WordPiece'],
  ['electra', 'WordPiece'],
])('the tokenizer of %s (%s)', (name) => {
  const expected = expectations[name]!
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await loadTokenizer(fixturePath(`core/encoders/tokenizers/${name}`))
  })

  it('gives the ids of the Hugging Face tokenizer, for texts and pairs, whole and truncated', () => {
    expect(expected.cases.length).toBeGreaterThan(60)
    for (const { text, pair, maxLength, inputIds } of expected.cases) {
      const options = { maxLength: maxLength ?? Infinity }
      const encoded = tokenizer.encode(text, pair ?? undefined, options)
      expect(encoded.inputIds, JSON.stringify([text, pair, maxLength])).toEqual(inputIds)
    }
  })

  it('knows its special tokens', () => {
    const { padTokenId, maskTokenId, vocabSize } = tokenizer
    const special = [...tokenizer.specialTokenIds].sort((a, b) => a - b)
    expect({ padTokenId, maskTokenId, vocabSize, specialTokenIds: special }).toEqual({
      padTokenId: expected.padTokenId,
      maskTokenId: expected.maskTokenId,
      vocabSize: expected.vocabSize,
      specialTokenIds: expected.specialTokenIds,
    })
    expect(tokenizer.maxLength).toBe(64)
  })
})
