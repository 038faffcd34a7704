import { env, pipeline } from '@huggingface/transformers'
import { temporaryFolder } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { tinyBase, toyPairs } from './support'

env.allowRemoteModels = false

const folder = temporaryFolder()
const pairs = toyPairs(16)
const texts = ['the function returns a list', 'Hello, world!', 'a dog']

/** Families, the languages that each calls English and German, and those that Transformers.js must be told. */
const bases = [
  { family: 'marian', modelType: 'marian', source: 'en', target: 'de', told: {} },
  { family: 't5', modelType: 't5', source: 'en', target: 'de', told: {} },
  {
    family: 'mbart50',
    modelType: 'mbart',
    source: 'en_XX',
    target: 'de_DE',
    told: { src_lang: 'en_XX', tgt_lang: 'de_DE' },
  },
  {
    family: 'nllb',
    modelType: 'm2m_100',
    source: 'en',
    target: 'de',
    told: { src_lang: 'eng_Latn', tgt_lang: 'deu_Latn' },
  },
  {
    family: 'm2m100',
    modelType: 'm2m_100',
    source: 'en',
    target: 'de',
    told: { src_lang: 'en', tgt_lang: 'de' },
  },
] as const

describe.each(bases)('a base of $family', ({ family, modelType, source, target, told }) => {
  it('learns, is saved, and writes the same in Transformers.js', async () => {
    const options = {
      source,
      target,
      maxSteps: 2,
      batchSize: 8,
      learningRate: 1e-3,
      seed: 1,
      progress: false,
      validation: false,
    } as const
    const model = await transfer(await tinyBase(family, modelType), pairs, options)
    const directory = folder(family)
    await model.save(directory, { onnx: ['float32'] })
    const own = await model.translate(texts, { numBeams: 1, split: 'none', maxNewTokens: 12 })
    expect(own.join('')).not.toBe('')
    const loaded = await load(directory)
    // What was learned is the default.
    expect(await loaded.translate(texts, { numBeams: 1, split: 'none', maxNewTokens: 12 })).toEqual(own)
    const theirs = await pipeline('translation', directory, { dtype: 'fp32' })
    const settings = { ...told, max_new_tokens: 12, num_beams: 1 }
    // Its Marian is told the language by the texts.
    const asked = texts.map((text) => (family === 'marian' ? `>>de<<${text}` : text))
    for (const [index, text] of asked.entries()) {
      const [answer] = (await theirs(text, settings)) as { translation_text: string }[]
      expect(answer!.translation_text.trim(), text).toBe(own[index])
    }
    await theirs.dispose()
    await loaded.dispose()
    await model.dispose()
  })
})
