import { mkdir, mkdtemp, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixturePath } from '@tfx/testing'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeTexts, type EncodeTextsOptions, loadTokenizer, type Tokenizer } from '../src/index'
import { readTokens, tokensKey, writeTokens } from '../src/tokenizer/token-cache'
import { packTokens, unpackTokens } from '../src/tokenizer/token-file'

const bert = await loadTokenizer(fixturePath('core/bert-classification'))
const roberta = await loadTokenizer(fixturePath('core/encoders/tokenizers/roberta'))

const long = 'the movie was good '.repeat(20)
const texts = Array.from({ length: 90 }, (_, index): string | [string, string] =>
  index % 3 === 0 ? [`${index} bad`, long] : 'good '.repeat(index % 50),
)

let cacheDirectory: string
let options: EncodeTextsOptions
beforeEach(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'tfx-tokens-'))
  options = { cacheDirectory, cacheFromCharacters: 100 }
})
const filesOf = async () => (await readdir(join(cacheDirectory, 'tokens')).catch(() => [])).sort()

/** A tokenizer that counts what it encodes. */
function counted(tokenizer: Tokenizer) {
  const encodeBatch = vi.fn<Tokenizer['encodeBatch']>((...given) => tokenizer.encodeBatch(...given))
  return { ...tokenizer, encodeBatch }
}

describe('encodeTexts', () => {
  it.each([
    ['token types', bert],
    ['no token types', roberta],
  ])('gives what encodeBatch gives, at first and from its file (%s)', async (_, tokenizer) => {
    const expected = tokenizer.encodeBatch(texts)
    const first = counted(tokenizer)
    expect(await encodeTexts(first, texts, options)).toEqual(expected)
    expect(first.encodeBatch).toHaveBeenCalled()
    const second = counted(tokenizer)
    expect(await encodeTexts(second, texts, options)).toEqual(expected)
    expect(second.encodeBatch).not.toHaveBeenCalled()
  })

  it('keeps nothing of small sets, of tokenizers without files, or when told not to', async () => {
    expect(await encodeTexts(bert, ['good', ['good', 'bad']], options)).toEqual(
      bert.encodeBatch(['good', ['good', 'bad']]),
    )
    expect(await encodeTexts(bert, [], options)).toEqual([])
    await encodeTexts({ ...bert, files: new Map() }, texts, options)
    await encodeTexts(bert, texts, { cacheDirectory, cacheFromCharacters: Infinity })
    await encodeTexts(bert, texts, { cacheDirectory })
    expect(await filesOf()).toEqual([])
  })

  it('makes a file again that is cut or damaged', async () => {
    const expected = await encodeTexts(bert, texts, options)
    const [name] = await filesOf()
    const path = join(cacheDirectory, 'tokens', name!)
    const whole = await readFile(path)
    for (const damage of [
      () => truncate(path, whole.length - 5),
      () => truncate(path, 0),
      () => writeFile(path, whole.with(whole.length >> 1, whole[whole.length >> 1]! ^ 1)),
    ]) {
      await damage()
      expect(await encodeTexts(bert, texts, options)).toEqual(expected)
      expect(await readFile(path)).toEqual(whole)
    }
  })

  it('works without a file where none can be written', async () => {
    const path = join(cacheDirectory, 'file')
    await writeFile(path, '')
    expect(await encodeTexts(bert, texts, { ...options, cacheDirectory: path })).toEqual(
      bert.encodeBatch(texts),
    )
  })

  it('stops when told to, before and between texts', async () => {
    const many = Array.from({ length: 1000 }, () => 'good')
    await expect(encodeTexts(bert, many, { signal: AbortSignal.abort() })).rejects.toThrow(
      'encodeTexts: is stopped by its AbortSignal.',
    )
    const controller = new AbortController()
    const running = encodeTexts(bert, many, { signal: controller.signal })
    controller.abort()
    await expect(running).rejects.toMatchObject({ code: 'ERR_TFX_ABORTED' })
  })

  it('refuses a length without room for text', async () => {
    await expect(encodeTexts(bert, ['good'], { maxLength: 2 })).rejects.toThrow(/'maxLength' must be above 2/)
  })
})

describe('the cache of tokens', () => {
  it('tells apart whatever changes the tokens', () => {
    const keys = [
      tokensKey(bert, ['a', 'b'], 8),
      tokensKey(bert, ['a', 'b'], 9),
      tokensKey(bert, ['b', 'a'], 8),
      tokensKey(bert, ['ab'], 8),
      tokensKey(bert, [['a', 'b']], 8),
      tokensKey(bert, ['a","b'], 8),
      tokensKey(bert, ['\ud800'], 8),
      tokensKey(bert, ['\ud801'], 8),
      tokensKey(roberta, ['a', 'b'], 8),
    ]
    expect(new Set(keys).size).toBe(keys.length)
    expect(tokensKey(bert, ['a', 'b'], 8)).toBe(keys[0])
  })

  it('removes what was used longest ago above its size, and what was left half written', async () => {
    const encoded = bert.encodeBatch(['good movie'])
    const size = packTokens(encoded)!.length
    const directory = join(cacheDirectory, 'tokens')
    await mkdir(directory)
    const cache = { directory, maxBytes: 2 * size }
    const age = async (name: string, hours: number) => {
      const time = new Date(Date.now() - hours * 3_600_000)
      await utimes(join(directory, name), time, time)
    }
    for (const key of ['a', 'b']) await writeTokens(cache, key, encoded)
    for (const name of ['old.tmp', 'new.tmp', 'other.txt']) await writeFile(join(directory, name), 'x')
    await age('a.tokens', 3)
    await age('b.tokens', 2)
    await age('old.tmp', 2)
    expect(await readTokens(cache, 'a')).toEqual(encoded)
    await writeTokens(cache, 'c', encoded)
    expect(await filesOf()).toEqual(['a.tokens', 'c.tokens', 'new.tmp', 'other.txt'])
    await writeTokens({ directory, maxBytes: size - 1 }, 'd', encoded)
    expect(await filesOf()).not.toContain('d.tokens')
    if (process.platform !== 'win32')
      expect((await stat(join(directory, 'c.tokens'))).mode & 0o777).toBe(0o600)
  })
})

describe('a file of tokens', () => {
  it('holds what was put into it', () => {
    const encoded = bert.encodeBatch(['', 'good', ['a', 'b'], long])
    expect(unpackTokens(packTokens(encoded)!)).toEqual(encoded)
    expect(unpackTokens(packTokens([])!)).toEqual([])
  })

  it('takes no token types of some texts alone, nor any above a byte', () => {
    const plain = { inputIds: [7], attentionMask: [1], truncated: false }
    expect(packTokens([plain, { ...plain, tokenTypeIds: [0] }])).toBeUndefined()
    expect(packTokens([{ ...plain, tokenTypeIds: [256] }])).toBeUndefined()
  })
})
