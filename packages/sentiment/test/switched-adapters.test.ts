import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadAdapter, promptTuning } from '@tfx/core'
import { fixturePath, loadFixture, refusal } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, type SentimentModel, transfer } from '../src/index'
import { base, quick, temporaryFolders, toyRows } from './support'

const { texts, answers } = loadFixture<{ texts: string[]; answers: Record<string, number[][]> }>(
  'core/adapters/switched',
)
const folders = temporaryFolders()
const rows = toyRows(['no', 'yes'], { count: 60 })
const names = Object.keys(answers).filter((name) => name !== '')
const adapters = Object.fromEntries(names.map((name) => [name, fixturePath(`core/adapters/${name}`)]))

async function expectPeft(model: SentimentModel, adapter?: string) {
  const ours = await model.predict(texts, adapter === undefined ? {} : { adapter })
  const probabilities = ours.flatMap(({ scores }) => Object.values(scores))
  expect(probabilities).toBeAllClose(answers[adapter ?? '']!.flat(), { absolute: 1e-5 })
}

describe('adapters that are switched', () => {
  it('answer as PEFT does after set_adapter, in any order and at once', async () => {
    const model = await load(base, { adapters })
    await expectPeft(model)
    for (const name of [...names, ...names]) await expectPeft(model, name)
    await Promise.all([undefined, ...names].map((name) => expectPeft(model, name)))
    const streamed: unknown[] = []
    for await (const answer of model.predictStream(texts, { adapter: 'bert-lora' })) streamed.push(answer)
    expect(streamed).toEqual(await model.predict(texts, { adapter: 'bert-lora' }))
    const labelled = texts.map((text) => ({ text, label: 'neutral' }))
    expect((await model.evaluate(labelled, { adapter: 'bert-prompt' })).accuracy).toBe(1)
    expect((await model.evaluate(labelled)).accuracy).toBe(0)
    // What is saved is the base.
    await model.save(folders.path('base'), { onnx: [] })
    const saved = await load(folders.path('base'))
    await expectPeft(saved)
    expect((await refusal(model.predict('good', { adapter: 'other' }))).message).toContain(
      "predict: 'adapter' must be one of 'bert-lora', 'bert-rslora', 'bert-dora', 'bert-ia3', 'bert-prompt', but got 'other'.",
    )
    expect((await refusal(saved.predict('good', { adapter: 'other' }))).message).toContain(
      "'adapter' must be left out for a model that was loaded without adapters",
    )
    await Promise.all([model.dispose(), saved.dispose()])
  })

  it('have heads of their own', async () => {
    const trained = await transfer(base, rows, { ...quick, epochs: 1, adapter: 'lora' })
    await trained.saveAdapter(folders.path('two'))
    const model = await load(base, { adapters: { two: folders.path('two'), three: adapters['bert-ia3']! } })
    expect(Object.keys((await model.predict('good', { adapter: 'two' })).scores)).toEqual([
      'LABEL_0',
      'LABEL_1',
    ])
    expect(Object.keys((await model.predict('good', { adapter: 'three' })).scores)).toHaveLength(3)
    const [mine, theirs] = [await trained.predict(texts), await model.predict(texts, { adapter: 'two' })]
    for (const [index, { scores }] of mine.entries())
      expect(theirs[index]!.scores.LABEL_0).toBeCloseTo(scores.no!, 5)
    await Promise.all([model.dispose(), trained.dispose()])
  })

  it('answer on a base that has no head of its own', async () => {
    const plain = await folders.copyBase('plain', 'bert-masked-lm')
    const trained = await transfer(plain, rows, { ...quick, epochs: 1, adapter: 'lora' })
    await trained.saveAdapter(folders.path('headed'))
    const model = await load(plain, { adapters: { own: folders.path('headed') } })
    const [mine, theirs] = [await trained.predict(texts), await model.predict(texts, { adapter: 'own' })]
    for (const [index, { scores }] of mine.entries())
      expect(theirs[index]!.scores.LABEL_0).toBeCloseTo(scores.no!, 5)
    expect((await refusal(model.predict(texts))).message).toContain(
      "predict: 'adapter' must be one of 'own', but got nothing, though the base has no head of its own.",
    )
    await Promise.all([model.dispose(), trained.dispose()])
  })

  it('refuses one merged and others switched', async () => {
    const both = load(base, { adapter: adapters['bert-lora']!, adapters })
    expect((await refusal(both)).message).toContain("load: 'adapters' must be left out with adapter")
  })
})

describe('prompt tuning', () => {
  it('learns, is saved as PEFT does, and loaded on the base again', async () => {
    const adapter = promptTuning({ virtualTokens: 4, text: 'good or bad' })
    const options = { ...quick, epochs: 12, learningRate: 0.05, dropout: 0, adapter }
    const model = await transfer(base, rows, options)
    const losses = model.training!.history.map(({ loss }) => loss)
    const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss / part.length, 0)
    expect(mean(losses.slice(-8))).toBeLessThan(0.9 * mean(losses.slice(0, 8)))
    const directory = folders.path('prompt')
    await model.saveAdapter(directory)
    const json = JSON.parse(await readFile(join(directory, 'adapter_config.json'), 'utf8')) as object
    expect(json).toMatchObject({
      peft_type: 'PROMPT_TUNING',
      task_type: 'SEQ_CLS',
      num_virtual_tokens: 4,
      token_dim: 16,
    })
    const loaded = await load(base, { adapter: directory, labels: ['no', 'yes'] })
    expect(await loaded.predict(texts)).toEqual(await model.predict(texts))
    for (const prompted of [model, loaded]) {
      expect((await refusal(prompted.save(folders.path('whole')))).message).toContain(
        'but got one that reads a learned prompt, which is no part of them. Save the prompt by model.saveAdapter(directory)',
      )
    }
    expect((await refusal(transfer(model, rows, quick))).message).toContain(
      'but got one that reads a learned prompt',
    )
    // 32 positions, of which 4 are the prompt's.
    const long = Array.from({ length: 40 }, () => 'good').join(' ')
    expect((await refusal(model.predict(long))).message).toContain('at most 28 tokens long')
    await Promise.all([model.dispose(), loaded.dispose()])
    const mixed = await transfer(base, rows, { ...options, epochs: 1, mixup: 0.2, neftuneAlpha: 5, rDrop: 1 })
    expect(mixed.training!.history.every(({ loss }) => Number.isFinite(loss))).toBe(true)
    await mixed.dispose()
  })

  it('has twenty tokens where nothing is said, in a program for texts of any length', async () => {
    const words = toyRows(['no', 'yes'], { count: 24 }).map(({ text, label }) => ({
      text: text.slice(0, 20),
      label,
    }))
    const model = await transfer(base, words, { ...quick, epochs: 1, adapter: 'prompt' })
    const directory = folders.path('usual')
    await model.saveAdapter(directory)
    const { tensors } = await loadAdapter(directory)
    expect(tensors.get('prompt_embeddings')!.shape).toEqual([20, 16])
    const switched = await load(base, { adapters: { usual: directory } })
    const short = words.slice(0, 3).map(({ text }) => text)
    const [ours, theirs] = [await model.predict(short), await switched.predict(short, { adapter: 'usual' })]
    ours.forEach(({ score }, index) => expect(theirs[index]!.score).toBeCloseTo(score, 5))
    await Promise.all([model.dispose(), switched.dispose()])
  })

  it('answers as PEFT does with its prompt', async () => {
    const model = await load(base, { adapter: adapters['bert-prompt']! })
    const ours = (await model.predict(texts)).flatMap(({ scores }) => Object.values(scores))
    expect(ours).toBeAllClose(answers['bert-prompt']!.flat(), { absolute: 1e-5 })
    await model.dispose()
  })
})
