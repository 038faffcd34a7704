import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArgumentError } from '@tfx/common'
import { fixturePath, loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { loadTokenizer, readConfig, type Tokenizer, translationTokens } from '../src/index'
import { tokensKey } from '../src/tokenizer/token-cache'

/** What transformers 4.52 made of the texts. */
interface Case {
  name: string
  /** Of tokenizer_config.json. */
  options: Record<string, unknown>
  source: string | null
  target: string
  /** The id of the target's token; null of Marian, which has it before the text to translate. */
  token: number | null
  sourceIds: number[][]
  targetIds: number[][]
}

const { texts, cases } = loadFixture<{ texts: string[]; cases: Case[] }>('core/sentence-piece/languages')

async function open(name: string, options: Record<string, unknown> = {}): Promise<Tokenizer> {
  const family = fixturePath(`core/sentence-piece/${name.split(' ')[0]!}`)
  const directory = await mkdtemp(join(tmpdir(), 'tfx-languages-'))
  await cp(family, directory, { recursive: true })
  const config = JSON.parse(await readFile(join(family, 'tokenizer_config.json'), 'utf8')) as object
  await writeFile(join(directory, 'tokenizer_config.json'), JSON.stringify({ ...config, ...options }))
  return loadTokenizer(directory)
}

const modelTypes: Record<string, string> = {
  mbart: 'mbart',
  mbart50: 'mbart',
  nllb: 'm2m_100',
  m2m100: 'm2m_100',
}
const heads = { encoder_attention_heads: 2, decoder_attention_heads: 2, num_heads: 2 }
const sizes = { vocab_size: 600, d_model: 8, ...heads, decoder_start_token_id: 2 }
const configOf = (modelType: string, more: object = {}) =>
  readConfig({ model_type: modelType, ...sizes, ...more }, { kind: 'encoder-decoder' })

describe('translationTokens', () => {
  it.each(cases.map((each) => [`${each.name}, ${each.source ?? 'any'} to ${each.target}`, each] as const))(
    'encodes as transformers with src_lang and tgt_lang: %s',
    async (_, { name, options, source, target, token, sourceIds, targetIds }) => {
      const tokenizer = await open(name, options)
      const config = configOf(modelTypes[name.split(' ')[0]!] ?? 'marian')
      const tokens = translationTokens({ tokenizer, config }, { source: source ?? undefined, target })
      expect(texts.map((text) => tokens.source.encode(text).inputIds)).toEqual(sourceIds)
      expect(texts.map((text) => tokens.target.encode(text).inputIds)).toEqual(targetIds)
      const { forcedBosTokenId, decoderStartTokenId } = tokens.generation
      expect(name === 'mbart' ? decoderStartTokenId : forcedBosTokenId).toBe(token ?? undefined)
      expect(tokens.prefix).toBe('')
    },
  )

  it('cuts texts so that the language stays', async () => {
    const tokenizer = await open('mbart')
    const tokens = translationTokens({ tokenizer, config: configOf('mbart') }, { source: 'de', target: 'en' })
    const { inputIds, truncated } = tokens.source.encode(texts[1]!, undefined, { maxLength: 5 })
    expect(truncated).toBe(true)
    expect(inputIds).toEqual([...tokens.source.encode(texts[1]!).inputIds.slice(0, 3), 2, 303])
  })

  it('takes other codes of a language where only one fits', async () => {
    const tokenizer = await open('nllb')
    const config = configOf('m2m_100')
    const { languages } = tokenizer
    const of = (target: string) => translationTokens({ tokenizer, config }, { source: 'en', target })
    expect(of('de').generation.forcedBosTokenId).toBe(languages!.tokens.get('deu_Latn'))
    expect(of('zh-Hant').generation.forcedBosTokenId).toBe(languages!.tokens.get('zho_Hant'))
    expect(() => of('zh')).toThrow(
      "translationTokens: 'target' must be a language that the model knows: zho_Hans, zho_Hant, but got 'zh'. Say which",
    )
  })

  it('names some of the languages that a model knows', async () => {
    const tokenizer = await open('mbart50')
    const config = configOf('mbart')
    const of = (direction: { source?: string; target?: string }) => () =>
      translationTokens({ tokenizer, config }, direction, 'transfer')
    expect(of({ source: 'en', target: 'tlh' })).toThrow(ArgumentError)
    expect(of({ source: 'en', target: 'tlh' })).toThrow(
      /^transfer: 'target' must be a language that the model knows: ar_AR, .* and 40 more, but got 'tlh'\. Take one of them/,
    )
    expect(of({ source: 'not a code', target: 'de' })).toThrow(
      "'source' must be a language that the model knows",
    )
    expect(of({ target: 'de' })).toThrow(
      "transfer: 'source' must be the language of the texts: the model knows several, but got nothing. Name it, for",
    )
  })

  it('gives the tokens of two languages to be kept apart on the disk', async () => {
    const tokenizer = await open('mbart50')
    const keys = ['de', 'fr'].map((language) => tokensKey(tokenizer.withLanguage(language), texts, 10))
    expect(new Set(keys).size).toBe(2)
  })

  it("has Marian's other side for what is written", async () => {
    const tokenizer = await open('marian')
    const target = await loadTokenizer(fixturePath('core/sentence-piece/marian'), { side: 'target' })
    const german = 'Größe, Übermut und Äpfel'
    expect(tokenizer.target!.encode(german)).toEqual(target.encode(german))
    expect(tokenizer.encode(german).inputIds).not.toEqual(target.encode(german).inputIds)
    // Kept apart on the disk, too.
    expect(tokensKey(tokenizer, texts, 10)).not.toBe(tokensKey(tokenizer.target!, texts, 10))
  })

  it('tells T5 its task in the words that it was trained with, or those of its config.json', async () => {
    const tokenizer = await open('t5')
    const direction = { source: 'en', target: 'de' }
    const prefix = (config: ReturnType<typeof configOf>, given: object) =>
      translationTokens({ tokenizer, config }, given).prefix
    expect(prefix(configOf('t5'), direction)).toBe('translate English to German: ')
    expect(prefix(configOf('t5'), {})).toBe('')
    const told = { translation_en_to_de: { prefix: 'en-de: ' } }
    expect(prefix(configOf('t5', { task_specific_params: told }), direction)).toBe('en-de: ')
    expect(prefix(configOf('bart'), direction)).toBe('')
  })
})
