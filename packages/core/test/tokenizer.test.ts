import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixturePath, loadFixture } from '@tfx/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTokenizer, loadTokenizer, type Tokenizer, type TokenizeOptions } from '../src/index'
import { longestFirst } from '../src/tokenizer/truncation'

interface Case {
  text: string
  pair: string | null
  maxLength: number | null
  inputIds: number[]
  tokenTypeIds: number[]
  decoded: string
}

const { cases } = loadFixture<{ cases: Case[] }>('core/tokenizer')
const directory = fixturePath('core/bert-classification')

async function vocabularyOnly(config?: object): Promise<string> {
  const temporary = await mkdtemp(join(tmpdir(), 'tfx-tokenizer-'))
  await writeFile(join(temporary, 'vocab.txt'), await readFile(fixturePath('core/vocab.txt')))
  if (config) await writeFile(join(temporary, 'tokenizer_config.json'), JSON.stringify(config))
  return temporary
}

describe.each([
  ['tokenizer.json', async () => loadTokenizer(directory)],
  ['vocab.txt alone', async () => loadTokenizer(await vocabularyOnly())],
])('a tokenizer from %s', (_, load) => {
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await load()
  })

  it('gives the ids of the Hugging Face tokenizer, whole and truncated', () => {
    expect(cases.length).toBeGreaterThan(60)
    for (const { text, pair, maxLength, inputIds, tokenTypeIds } of cases) {
      const options = { maxLength: maxLength ?? Infinity }
      const encoded = tokenizer.encode(text, pair ?? undefined, options)
      const name = JSON.stringify([text, pair, maxLength])
      expect(encoded.inputIds, name).toEqual(inputIds)
      expect(encoded.tokenTypeIds, name).toEqual(tokenTypeIds)
      expect(encoded.attentionMask, name).toEqual(inputIds.map(() => 1))
    }
  })

  it('decodes as the Hugging Face tokenizer', () => {
    for (const { inputIds, decoded } of cases) expect(tokenizer.decode(inputIds)).toBe(decoded)
  })

  it('knows its special tokens', () => {
    expect(tokenizer.padTokenId).toBe(0)
    expect(tokenizer.maskTokenId).toBe(4)
    expect(tokenizer.specialTokenIds).toEqual([0, 1, 2, 3, 4])
    expect(tokenizer.vocabSize).toBe(119)
    expect(tokenizer.vocabulary().get('##able')).toBe(22)
  })
})

describe('loadTokenizer', () => {
  it('takes the smaller of the limits of the tokenizer and of the model', async () => {
    expect((await loadTokenizer(directory)).maxLength).toBe(32)
    expect((await loadTokenizer(directory, { maxLength: 16 })).maxLength).toBe(16)
    expect((await loadTokenizer(await vocabularyOnly({ model_max_length: 1e30 }))).maxLength).toBe(Infinity)
  })

  it('truncates to its limit when not told otherwise, and says so', async () => {
    const tokenizer = await loadTokenizer(directory)
    const cut = tokenizer.encode('the '.repeat(100))
    expect([cut.inputIds.length, cut.truncated, cut.inputIds.at(-1)]).toEqual([32, true, 3])
    expect(tokenizer.encode('the movie').truncated).toBe(false)
  })

  it('encodes batches of texts and pairs one by one', async () => {
    const tokenizer = await loadTokenizer(directory)
    expect(tokenizer.encodeBatch(['good', ['good', 'bad']], { maxLength: 4 })).toEqual([
      tokenizer.encode('good', undefined, { maxLength: 4 }),
      tokenizer.encode('good', 'bad', { maxLength: 4 }),
    ])
  })

  it('keeps its files byte for byte', async () => {
    const { files } = await loadTokenizer(directory)
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      expect(Buffer.from(files.get(name) ?? [])).toEqual(await readFile(join(directory, name)))
    }
  })

  it('adds the tokenizer.json that an old checkpoint lacks', async () => {
    const { files } = await loadTokenizer(await vocabularyOnly({ do_lower_case: false }))
    const made = JSON.parse(new TextDecoder().decode(files.get('tokenizer.json'))) as { normalizer: object }
    expect(made.normalizer).toMatchObject({ lowercase: false })
  })

  it('cuts a text without the tokens around it, and added tokens as text if asked', async () => {
    const tokenizer = await loadTokenizer(directory)
    const idOf = (token: string) => tokenizer.vocabulary().get(token)!
    const cut = (text: string, options: TokenizeOptions = {}) =>
      tokenizer.encode(text, undefined, { addSpecialTokens: false, ...options }).inputIds
    const whole = tokenizer.encode('film [MASK]').inputIds
    expect(whole).toEqual([idOf('[CLS]'), idOf('film'), idOf('[MASK]'), idOf('[SEP]')])
    expect(cut('film [MASK]')).toEqual(whole.slice(1, -1))
    expect(cut('film [MASK]', { maxLength: 1 })).toEqual([idOf('film')])
    const asText = cut('film [MASK]', { addedTokensAsText: true })
    expect(asText[0]).toBe(idOf('film'))
    expect(asText.length).toBeGreaterThan(2)
    expect(asText).not.toContain(idOf('[MASK]'))
    expect(tokenizer.addedTokens.find(({ text }) => text === '[MASK]')).toEqual({
      id: idOf('[MASK]'),
      text: '[MASK]',
      isSpecial: true,
    })
  })

  it('has a chat template of a file of its own where Transformers.js looks for it', async () => {
    const temporary = await vocabularyOnly({ do_lower_case: true })
    await writeFile(join(temporary, 'chat_template.jinja'), '{{ messages }}')
    const { files } = await loadTokenizer(temporary)
    const config = JSON.parse(new TextDecoder().decode(files.get('tokenizer_config.json'))) as object
    expect(config).toEqual({ do_lower_case: true, chat_template: '{{ messages }}' })
  })

  it('refuses a directory without a tokenizer', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'tfx-tokenizer-'))
    await expect(loadTokenizer(empty)).rejects.toThrow(
      /must be a directory with tokenizer.json, vocab.txt, .*, but got none of them\. Save the tokenizer beside the/,
    )
  })

  it.each([
    ['source.spm', 'Marian needs vocab.json beside source.spm'],
    ['merges.txt', 'Convert it once, in Python'],
  ])('refuses %s alone, with the remedy', async (name, remedy) => {
    const directory = await mkdtemp(join(tmpdir(), 'tfx-tokenizer-'))
    await writeFile(join(directory, name), '')
    await expect(loadTokenizer(directory)).rejects.toThrow(new RegExp(`but got only ${name}\\. ${remedy}`))
  })

  it('refuses a file that is not JSON', async () => {
    const broken = await vocabularyOnly()
    await writeFile(join(broken, 'tokenizer.json'), '{')
    await expect(loadTokenizer(broken)).rejects.toThrow(/tokenizer.json' must be a JSON file/)
  })
})

describe('createTokenizer', () => {
  it('refuses a tokenizer that cannot pad', () => {
    const model = { type: 'WordPiece', unk_token: 'x', continuing_subword_prefix: '##', vocab: { x: 0 } }
    const tokenizer = {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      model,
    }
    expect(() => createTokenizer({ tokenizer, config: {} })).toThrow(
      "createTokenizer: 'tokenizer' must be one with a padding token, but got one without. Set 'pad_token' in",
    )
  })

  it('refuses what is not a tokenizer', () => {
    expect(() => createTokenizer({ tokenizer: {}, config: {} })).toThrow(
      "'tokenizer' must be the JSON of a tokenizer",
    )
  })

  it('refuses a length without room for text', async () => {
    const tokenizer = await loadTokenizer(directory)
    expect(() => tokenizer.encode('good', undefined, { maxLength: 2 })).toThrow(
      "encode: 'maxLength' must be above 2, the number of special tokens, but got 2. Pass a larger maxLength.",
    )
  })
})

describe('longestFirst', () => {
  it('removes tokens one at a time from the longer text', () => {
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), fc.integer({ min: 1, max: 70 }), (first, second, limit) => {
        const kept = [first, second] as [number, number]
        while (kept[0] + kept[1] > limit) kept[kept[0] > kept[1] ? 0 : 1]--
        const result = longestFirst([first, second], limit)
        expect(result[0] + result[1]).toBe(kept[0] + kept[1])
        // Where both are cut and the limit is odd, either may keep the odd token.
        expect(Math.abs(result[0] - kept[0])).toBeLessThanOrEqual(1)
      }),
    )
  })
})
