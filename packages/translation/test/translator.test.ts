import { writeFile } from 'node:fs/promises'
import { env, pipeline } from '@huggingface/transformers'
import { temporaryFolder } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, scratchBase, transfer } from '../src/index'
import { quick, toyPairs } from './support'

env.allowRemoteModels = false

const folder = temporaryFolder()
const pairs = toyPairs(600)
const held = toyPairs(40, 2)
const sizes = { vocabSize: 340, hiddenSize: 32, numLayers: 1, numHeads: 2, dropout: 0 }
const training = scratchBase(pairs, sizes).then((base) => transfer(base, pairs, quick))

// Training takes seconds, but more where other work is done beside it.
describe('a translator from random weights', { timeout: 300_000 }, () => {
  it('learns to translate, and says how well', async () => {
    const model = await training
    expect(model.notes).toEqual(["Columns by their place: from 'en' to 'de'."])
    const scores = await model.evaluate(held)
    expect(scores.bleu).toBeGreaterThan(95)
    expect(scores.chrf).toBeGreaterThan(95)
    expect(scores.ter).toBeLessThan(5)
    expect(scores.signatures.bleu).toBe('nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp')
    expect(scores.translations).toHaveLength(40)
    expect(await model.translate('big red dog.')).toBe('groß rot Hund.')
    expect(await model.translate(['small cat.', 'blue house.'])).toEqual(['klein Katze.', 'blau Haus.'])
  })

  it('translates by adapters beside it', async () => {
    const model = await training
    const directory = folder('base')
    await model.save(directory, { onnx: [] })
    const shouted = pairs.map(({ en, de }) => ({ en, de: de.replace(/[.!]$/, '!') }))
    const options = { ...quick, epochs: 5, learningRate: 2e-2, adapter: 'lora' } as const
    const tuned = await transfer(directory, shouted, options)
    await tuned.saveAdapter(folder('loud'))
    const switched = await load(directory, { adapters: { loud: folder('loud') } })
    const text = 'big red dog.'
    expect(await tuned.translate(text)).toBe('groß rot Hund!')
    expect(await switched.translate(text, { adapter: 'loud' })).toBe('groß rot Hund!')
    expect(await switched.translate(text)).toBe('groß rot Hund.')
    const { bleu, chrf } = await tuned.evaluate(held)
    expect(await switched.evaluate(held, { adapter: 'loud' })).toMatchObject({ bleu, chrf })
    await Promise.all([tuned, switched].map((each) => each.dispose()))
  })

  it('translates a stream as it comes', async () => {
    const model = await training
    let read = 0
    const texts = function* () {
      for (const { en } of held) {
        read++
        yield en
      }
    }
    const translated: string[] = []
    for await (const text of model.predictStream(texts(), { batchSize: 4 })) {
      translated.push(text)
      if (translated.length === 10) break
    }
    expect(read).toBe(12)
    expect(translated).toEqual(await model.translate(held.slice(0, 10).map(({ en }) => en)))
    const stream = model.predictStream([...held.slice(0, 2).map(({ en }) => en), ' '], { batchSize: 2 })
    await stream.next()
    await stream.next()
    await expect(stream.next()).rejects.toThrow("'texts[2]' must be a text, but got a blank one")
  })

  it('keeps the layout of a document', async () => {
    const model = await training
    const document = '\n# big dog!\n---\n  - small cat.  \n\n\t2. red tree.\r\nblue car.'
    const expected = '\n# groß Hund!\n---\n  - klein Katze.  \n\n\t2. rot Baum.\r\nblau Auto.'
    expect(await model.translate(document)).toBe(expected)
  })

  it('translates what is longer than the model reads in pieces', async () => {
    const model = await training
    const long = Array.from({ length: 400 }, () => 'big red dog').join(' ')
    const translation = await model.translate(long)
    // A piece is more than this toy has learned from; but each has a translation.
    // At least a token for each word.
    expect(translation.split(/\bHund\b/).length).toBeGreaterThan((3 * 400) / model.maxLength)
  })

  it('writes forced terms where the source has them, and no forbidden ones', async () => {
    const model = await training
    const translate = (glossary: object) =>
      model.translate(['big dog.', 'small cat.'], { glossary, numBeams: 4 })
    const [dog, cat] = await translate({ force: { DOG: 'Baum' } })
    expect(dog).toContain('Baum')
    expect(cat).toBe('klein Katze.')
    const [either] = await translate({ force: { dog: ['Katze', 'Haus'] } })
    expect(either).toMatch(/Katze|Haus/)
    const both = await translate({ force: ['Auto'] })
    for (const text of both) expect(text).toContain('Auto')
    const [without] = await translate({ forbid: ['Hund', 'groß'] })
    expect(without).not.toMatch(/hund|groß/i)
    expect((await translate({ forbid: ['Hund'] }))[1]).toBe('klein Katze.')
  })

  it.each([1, 3])(
    'writes no forbidden term in other tokens than its usual ones (%i beams)',
    async (numBeams) => {
      const model = await training
      for (const { en } of held.slice(0, 6)) {
        const settings = { numBeams, maxNewTokens: 12 }
        const forbid = (await model.translate(en, settings)).match(/\p{L}+/gu)!
        const otherwise = await model.translate(en, { ...settings, glossary: { forbid } })
        for (const word of otherwise.match(/\p{L}+/gu) ?? []) expect(forbid).not.toContain(word)
      }
    },
  )

  it('has forced terms apart that are forbidden together', async () => {
    const model = await training
    const forbid = ['klein Katze', 'Katze klein', 'Katze Klein']
    const glossary = { force: ['klein', 'Katze'], forbid }
    const translation = await model.translate('small cat.', { glossary, maxNewTokens: 20 })
    expect(translation).toMatch(/klein.*Katze|Katze.*klein/i)
    for (const term of forbid) expect(translation).not.toContain(term)
  })

  it('is saved for Transformers.js, which writes the same, and loaded again', async () => {
    const model = await training
    const directory = folder('toy')
    await model.save(directory, { onnx: ['float32'] })
    const texts = held.slice(0, 8).map(({ en }) => en)
    const own = await model.translate(texts, { numBeams: 1, split: 'none' })
    const theirs = await pipeline('translation', directory, { dtype: 'fp32' })
    const written = (await theirs(texts, { num_beams: 1 })) as { translation_text: string }[]
    expect(written.map((answer) => answer.translation_text)).toEqual(own)
    await theirs.dispose()
    // In a thread of its own, where the model is used as any other.
    const loaded = await load(directory, { thread: true })
    expect(await loaded.translate(texts)).toEqual(await model.translate(texts))
    // It knows its languages.
    expect(await loaded.translate(texts[0]!, { source: 'en', target: 'de' })).toBe(
      await model.translate(texts[0]!),
    )
    await expect(loaded.translate(texts[0]!, { target: 'fr' })).rejects.toThrow(
      "translate: 'target' must be a pair of languages that the model knows: en → de, but got any → fr.",
    )
    await loaded.dispose()
  })
})

describe('several directions in one model', { timeout: 300_000 }, () => {
  it('are told apart by a token of the language to write', async () => {
    const base = await scratchBase(pairs, { ...sizes, languages: ['en', 'de'] })
    const options = { ...quick, epochs: 25, source: 'en', target: 'de', bothDirections: true }
    const model = await transfer(base, pairs.slice(0, 300), options)
    expect(await model.translate('big red dog.', { source: 'en', target: 'de' })).toBe('groß rot Hund.')
    expect(await model.translate('groß rot Hund.', { source: 'de', target: 'en' })).toBe('big red dog.')
    await expect(model.translate('big', { target: 'fr' })).rejects.toThrow(
      "translate: 'target' must be a language that the model knows: en, de, but got 'fr'.",
    )
    await model.dispose()
  })
})

describe('pairs', () => {
  const base = scratchBase(pairs, sizes)
  const once = { ...quick, maxSteps: 1 }

  it('are read alike from rows of every form and from two files', async () => {
    const [source, target] = [folder('pairs.en'), folder('pairs.de')]
    await writeFile(source, `\ufeff${pairs.map(({ en }) => en).join('\r\n')}\r\n`)
    await writeFile(target, `${pairs.map(({ de }) => de).join('\n')}\n`)
    const forms = [
      pairs,
      pairs.map((translation) => ({ id: 1, translation })),
      pairs.map(({ en, de }) => ({ source: en, target: de })),
      { source, target },
      { train: { source, target }, validation: held },
    ]
    const weights = []
    for (const form of forms) {
      const model = await transfer(await base, form as never, { ...once, source: 'en', target: 'de' })
      weights.push(await model.translate('big red dog.', { maxNewTokens: 10 }))
      await model.dispose()
    }
    expect(new Set(weights).size).toBe(1)
  })
})
