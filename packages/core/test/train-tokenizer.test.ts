import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArgumentError } from '@tfx/common'
import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { loadTokenizer, trainTokenizer } from '../src/index'

const texts = loadFixture<string[]>('core/sentence-piece/texts')
/** What Hugging Face tokenizers learned from the texts; `ids` are of every ninth. */
const { cases } = loadFixture<{
  cases: { vocabSize: number; minFrequency: number; merges: string[]; ids: number[][] }[]
}>('core/trained-tokenizer/expected')

describe('trainTokenizer', () => {
  it.each(cases)(
    'learns the merges of Hugging Face tokenizers: $vocabSize tokens, $minFrequency times',
    ({ vocabSize, minFrequency, merges, ids }) => {
      const tokenizer = trainTokenizer(texts, { vocabSize, minFrequency })
      const json = JSON.parse(new TextDecoder().decode(tokenizer.files.get('tokenizer.json'))) as {
        model: { merges: string[] }
      }
      expect(json.model.merges).toEqual(merges)
      expect(tokenizer.vocabSize).toBe(260 + merges.length)
      const end = tokenizer.vocabulary().get('</s>')!
      const own = texts.filter((_, index) => index % 9 === 0).map((text) => tokenizer.encode(text).inputIds)
      // Theirs has no end.
      expect(own).toEqual(ids.map((row) => [...row, end]))
    },
  )

  it('writes any text and reads it back', () => {
    const tokenizer = trainTokenizer(['a great film'], { vocabSize: 300 })
    for (const text of ['ein Übermaß', '日本語 👍🏽', 'tab\tnew\nline', '  two  spaces ', '\u0000\u001b']) {
      expect(tokenizer.decode(tokenizer.encode(text).inputIds)).toBe(text)
    }
    expect(tokenizer.decode(tokenizer.encode('lone \ud800').inputIds)).toBe('lone \ufffd')
  })

  it('is the same when its files are loaded, with special tokens found whole', async () => {
    const tokenizer = trainTokenizer(texts, {
      vocabSize: 400,
      specialTokens: ['>>de<<', '>>fr<<'],
      maxLength: 64,
    })
    const directory = await mkdtemp(join(tmpdir(), 'tfx-trained-tokenizer-'))
    for (const [name, bytes] of tokenizer.files) await writeFile(join(directory, name), bytes)
    const loaded = await loadTokenizer(directory)
    for (const each of [tokenizer, loaded]) {
      const { inputIds } = each.withLanguage('de').encode('a list')
      expect(inputIds.slice(0, 1)).toEqual([each.vocabulary().get('>>de<<')])
      expect([...each.languages!.tokens.keys()]).toEqual(['de', 'fr'])
      expect([each.padTokenId, each.maxLength, each.vocabSize]).toEqual([1, 64, 400])
    }
    expect(loaded.encode(texts[20]!)).toEqual(tokenizer.encode(texts[20]!))
  })

  it('refuses what it cannot learn', () => {
    expect(() => trainTokenizer(['a'], { vocabSize: 100 })).toThrow(ArgumentError)
    expect(() => trainTokenizer(['a'], { vocabSize: 100 })).toThrow(
      "trainTokenizer: 'vocabSize' must be a whole number of at least 260: 4 special tokens and 256 bytes, but got 100.",
    )
    expect(() => trainTokenizer([])).toThrow(
      "trainTokenizer: 'texts' must be at least one text, but got none.",
    )
  })
})
