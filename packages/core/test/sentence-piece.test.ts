import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AutoTokenizer } from '@huggingface/transformers'
import { fixturePath, loadFixture } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTokenizer, loadTokenizer, type Tokenizer } from '../src/index'

interface Expected {
  ids: number[][]
  /** By number, the texts that SentencePiece normalizes otherwise than Python's tokenizers. */
  longest: Record<string, number[]>
  /** Of every seventh text. */
  decoded: string[]
  pair: number[]
  vocabSize: number
}

const texts = loadFixture<string[]>('core/sentence-piece/texts')
const expectations = loadFixture<Record<string, Expected>>('core/sentence-piece/expected')
const directoryOf = (family: string) => fixturePath(`core/sentence-piece/${family.split(' ')[0]!}`)
/** Those that are SentencePiece and a table of ids, to which a tokenizer.json only comes near. */
const lookups = ['marian', 'marian target', 'marian-joint', 'm2m100']

function expectIds(tokenizer: Tokenizer, { ids, longest }: Expected): void {
  expect(texts.length).toBeGreaterThan(250)
  for (const [index, text] of texts.entries()) {
    const { inputIds } = tokenizer.encode(text, undefined, { maxLength: Infinity })
    expect(inputIds, JSON.stringify(text)).toEqual(longest[index] ?? ids[index])
  }
}

const parsed = (tokenizer: Tokenizer, name: string) =>
  JSON.parse(new TextDecoder().decode(tokenizer.files.get(name))) as Record<string, unknown>

/** A copy of a family's files with changes. */
async function changed(family: string, files: Record<string, string | Uint8Array>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tfx-sentence-piece-'))
  await cp(directoryOf(family), directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
  return directory
}

describe.each(Object.keys(expectations))('the SentencePiece tokenizer of %s', (family) => {
  const expected = expectations[family]!
  const side = family.endsWith(' target') ? 'target' : 'source'
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await loadTokenizer(directoryOf(family), { side })
  })

  it('gives the ids of the Hugging Face tokenizer', () => {
    expectIds(tokenizer, expected)
    if (side === 'source') {
      const [first, second] = ['The first text.', 'And the second, longer one.']
      expect(tokenizer.encode(first, second).inputIds).toEqual(expected.pair)
    }
    expect(tokenizer.vocabSize).toBe(expected.vocabSize)
  })

  it('decodes as the Hugging Face tokenizer', () => {
    for (const [index, text] of expected.decoded.entries()) {
      expect(tokenizer.decode(expected.ids[7 * index]!)).toBe(text)
    }
  })

  it('is the same from the files that are saved with a model', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tfx-sentence-piece-'))
    for (const [name, bytes] of tokenizer.files) await writeFile(join(directory, name), bytes)
    const reloaded = await loadTokenizer(directory, { side })
    expectIds(reloaded, expected)
    expect([...reloaded.files.keys()].sort()).toEqual([...tokenizer.files.keys()].sort())
    if (lookups.includes(family)) return
    // Nothing but what Transformers.js reads.
    const [json, config] = [parsed(tokenizer, 'tokenizer.json'), parsed(tokenizer, 'tokenizer_config.json')]
    expectIds(createTokenizer({ tokenizer: json, config }), expected)
  })
})

describe('a tokenizer.json that is made', () => {
  it.each(['t5', 'deberta-v2', 'nllb', 'llama', 'marian'])(
    'of %s is read by Transformers.js',
    async (family) => {
      const tokenizer = await loadTokenizer(directoryOf(family))
      const directory = await changed(family, Object.fromEntries(tokenizer.files))
      const theirs = await AutoTokenizer.from_pretrained(directory, { local_files_only: true })
      for (const text of ['the function returns a list', 'x=1;y = 22,333.5', ' Hello, world! ']) {
        expect(theirs.encode(text)).toEqual(tokenizer.encode(text).inputIds)
      }
    },
  )
})

describe('Marian', () => {
  const encode = (tokenizer: Tokenizer, text: string) => {
    const tokens = new Map([...tokenizer.vocabulary()].map(([token, id]) => [id, token]))
    return tokenizer.encode(text).inputIds.map((id) => tokens.get(id))
  }

  it('takes the language to translate to as one token', async () => {
    const tokenizer = await loadTokenizer(directoryOf('marian'))
    expect(encode(tokenizer, '>>fr<< the list').slice(0, 2)).toEqual(['>>fr<<', '▁the'])
    expect(encode(tokenizer, '>>xx<< the list').slice(0, 2)).toEqual(['<unk>', '▁the'])
    // No prefix: text.
    expect(encode(tokenizer, 'the >>fr<< list')).not.toContain('>>fr<<')
  })

  it('refuses vocabularies of each language', async () => {
    const config = JSON.stringify({ separate_vocabs: true })
    await expect(loadTokenizer(await changed('marian', { 'tokenizer_config.json': config }))).rejects.toThrow(
      "loadTokenizer: 'separate_vocabs' must be false: one vocabulary for both languages, but got true. Take",
    )
  })

  it('reads long runs of spaces soon', async () => {
    const tokenizer = await loadTokenizer(directoryOf('marian'))
    const started = performance.now()
    expect(tokenizer.encode(`a${' '.repeat(200_000)}b`).inputIds).toEqual(tokenizer.encode('a b').inputIds)
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('refuses a table with holes', async () => {
    const table = JSON.stringify({ '</s>': 0, '<unk>': 1, x: 7 })
    await expect(loadTokenizer(await changed('marian', { 'vocab.json': table }))).rejects.toThrow(
      "'vocab.json' must be tokens with the ids 0 to 2, each once",
    )
  })
})

describe('loadTokenizer', () => {
  it('takes tokens and their flags from the files', async () => {
    const flags = { lstrip: true, rstrip: false, single_word: false, normalized: false, special: true }
    const directory = await changed('llama', {
      'added_tokens.json': JSON.stringify({ '<|a|>': 500 }),
      'special_tokens_map.json': JSON.stringify({ pad_token: { content: '<|pad|>', ...flags } }),
      'tokenizer_config.json': JSON.stringify({
        tokenizer_class: 'LlamaTokenizerFast',
        added_tokens_decoder: { 501: { content: '<|b|>', ...flags }, 502: { content: '<|pad|>', ...flags } },
        additional_special_tokens: ['<|c|>'],
        add_bos_token: false,
        add_eos_token: true,
        legacy: false,
      }),
    })
    const tokenizer = await loadTokenizer(directory)
    expect(tokenizer.padTokenId).toBe(502)
    expect(tokenizer.encode('<|a|> <|b|><|c|>').inputIds).toEqual([500, 501, 503, 2])
    expect(parsed(tokenizer, 'tokenizer.json').added_tokens).toContainEqual({
      id: 501,
      content: '<|b|>',
      ...flags,
    })
  })

  it('decodes bytes that are no character to a sign for each, as Hugging Face does', async () => {
    const tokenizer = await loadTokenizer(directoryOf('llama'))
    const ids = ['▁a', '<0xE2>', '<0x82>', '▁a'].map((token) => tokenizer.vocabulary().get(token)!)
    expect(tokenizer.decode(ids)).toBe('a\ufffd\ufffd a')
  })

  it('writes a configuration where there is none', async () => {
    const tokenizer = await loadTokenizer(directoryOf('gemma'))
    expect(parsed(tokenizer, 'tokenizer_config.json')).toMatchObject({
      tokenizer_class: 'GemmaTokenizer',
      pad_token: '<pad>',
      bos_token: '<bos>',
    })
  })

  it('refuses the pieces of Marian without their numbers', async () => {
    const directory = await changed('marian', {})
    await rm(join(directory, 'vocab.json'))
    await expect(loadTokenizer(directory)).rejects.toThrow(
      /but got only .*\. Marian needs vocab\.json beside source\.spm and target\.spm: download the missing file\./,
    )
  })

  it('refuses a model whose use nothing tells', async () => {
    const directory = await changed('t5', {
      'tokenizer_config.json': '{"tokenizer_class":"ReformerTokenizer"}',
    })
    await expect(loadTokenizer(directory)).rejects.toThrow(
      /'spiece.model' must be a SentencePiece model whose use .* one of T5Tokenizer, .*, but got tokenizer_class ReformerTokenizer, model_type absent\. Add the file/,
    )
  })

  it.each([
    ['words', [0x18, 3], 'must be a unigram or BPE model, but got one of type word'],
    ['spaces after words', [0xc0, 1, 1], 'must be a model that marks the space before a word'],
  ])('refuses a model of %s', async (_, trainer, message) => {
    const model = await readFile(join(directoryOf('t5'), 'spiece.model'))
    // Protocol buffers add up: a second trainer_spec overrides the first.
    const bytes = Buffer.concat([model, Buffer.from([0x12, trainer.length, ...trainer])])
    await expect(loadTokenizer(await changed('t5', { 'spiece.model': bytes }))).rejects.toThrow(message)
  })

  it.each([
    ['ends too early', (model: Buffer) => model.subarray(0, 1000), 'must be a SentencePiece model, but got'],
    ['is empty', () => Buffer.alloc(0), 'must be one with one unknown piece, but got 0 of them'],
    ['has a piece twice', (model: Buffer) => Buffer.concat([model, Buffer.from('\n\x03\n\x01a')]), 'a twice'],
    [
      'has a piece without text',
      (model: Buffer) => Buffer.concat([model, Buffer.from('\n\0')]),
      'an empty one',
    ],
  ])('refuses a file that %s', async (_, damage, message) => {
    const model = await readFile(join(directoryOf('t5'), 'spiece.model'))
    await expect(loadTokenizer(await changed('t5', { 'spiece.model': damage(model) }))).rejects.toThrow(
      message,
    )
  })

  it('refuses a map of characters that is damaged', async () => {
    const tokenizer = await loadTokenizer(directoryOf('t5'))
    const json = { ...parsed(tokenizer, 'tokenizer.json') }
    json.normalizer = {
      type: 'Precompiled',
      precompiled_charsmap: Buffer.from([255, 255, 0, 0, 1]).toString('base64'),
    }
    expect(() => createTokenizer({ tokenizer: json, config: {} })).toThrow(
      "createTokenizer: 'precompiled_charsmap' must be a trie and its replacements",
    )
  })
})
