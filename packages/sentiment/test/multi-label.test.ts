import { readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { averageScores, createLabelCounts, exactMatch } from '@tfx/metrics'
import { fixturePath, loadFixture, refusal } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { load, transfer } from '../src/index'
import { base, quick, temporaryFolders } from './support'

env.allowRemoteModels = false

const folders = temporaryFolders()
const words = { film: 'movie', mood: 'love', story: 'play' }
const labels = Object.keys(words) as (keyof typeof words)[]

/** Texts that name any of three things, also none or all. */
const rows = Array.from({ length: 160 }, (_, index) => {
  const named = labels.filter((_, bit) => (index >> bit) & 1)
  const filler = ['the', 'it', 'was', 'and'][Math.floor(index / 8) % 4]!
  return { text: [filler, ...named.map((name) => words[name]), 'is'].join(' '), labels: named }
})
const training = transfer(base, rows, { ...quick, epochs: 20, multiLabel: true, threshold: 0.4 })

describe('several labels', () => {
  it('are learned, each as a question of its own', async () => {
    const model = await training
    expect(model.labels).toEqual(labels)
    const answers = await model.predict(rows.slice(0, 8))
    expect(answers.map((answer) => answer.labels)).toEqual(rows.slice(0, 8).map((row) => row.labels))
    const all = answers[7]!
    expect(Object.values(all.scores).reduce((sum, score) => sum + score, 0)).toBeGreaterThan(1.5)
    expect(all.score).toBe(Math.max(...Object.values(all.scores)))
    expect(all.scores[all.label]).toBe(all.score)
  })

  it('are evaluated by the metrics of scikit-learn at the threshold', async () => {
    const model = await training
    const counts = createLabelCounts(3)
    let loss = 0
    const mixed = rows.slice(0, 50).map((row, index) => (index % 5 ? row : { ...row, labels: ['film'] }))
    const answers = await model.predict(mixed)
    answers.forEach(({ scores }, index) => {
      const reference = labels.map((label) => Number(mixed[index]!.labels.some((given) => given === label)))
      counts.add(
        reference,
        labels.map((label) => Number(scores[label]! >= 0.4)),
      )
      labels.forEach((label, column) => {
        loss -= Math.log(reference[column] ? scores[label]! : 1 - scores[label]!) / (50 * 3)
      })
    })
    const metrics = await model.evaluate(mixed)
    expect(metrics.exactMatch).toBe(exactMatch(counts))
    expect(metrics.exactMatch).toBeLessThan(0.95)
    expect(metrics.f1).toBeCloseTo(averageScores(counts, 'macro').f1, 10)
    expect(metrics.microF1).toBeCloseTo(averageScores(counts, 'micro').f1, 10)
    expect(metrics.loss).toBeCloseTo(loss, 4)
  })

  it('are saved as Transformers.js and load read them, with the threshold', async () => {
    const model = await training
    const directory = folders.path('several')
    await model.save(directory)
    const config = JSON.parse(await readFile(`${directory}/config.json`, 'utf8')) as object
    expect(config).toMatchObject({ problem_type: 'multi_label_classification', multi_label_threshold: 0.4 })
    const texts = rows.slice(0, 8).map(({ text }) => text)
    const answers = await model.predict(texts)
    const loaded = await load(directory)
    expect(await loaded.predict(texts)).toEqual(answers)
    expect((await loaded.evaluate(rows)).exactMatch).toBeGreaterThan(0.9)
    env.localModelPath = dirname(directory)
    const classify = await pipeline('text-classification', 'several', { dtype: 'fp32' })
    for (const [index, text] of texts.entries()) {
      const theirs = (await classify(text, { top_k: 3 })) as { label: string; score: number }[]
      for (const { label, score } of theirs) expect(score).toBeCloseTo(answers[index]!.scores[label]!, 4)
    }
    await classify.dispose()
    await loaded.dispose()
  })

  it('have the scores of Python', async () => {
    const { texts, scores } = loadFixture<{ texts: string[]; scores: number[][] }>('sentiment/multi-label')
    const model = await load(fixturePath('sentiment/multi-label'))
    const ours = await model.predict(texts)
    expect(ours.flatMap((answer) => model.labels.map((label) => answer.scores[label]!))).toBeAllClose(
      scores.flat(),
      { absolute: 1e-5 },
    )
    await model.dispose()
  })

  it('are read from lists, from CSV by either separator, and may be none', async () => {
    const file = folders.path('topics.csv')
    const lines = rows.map(
      ({ text, labels: named }, index) => `${text},${named.join(index % 2 ? '|' : '; ')}`,
    )
    await writeFile(file, ['text,labels', ...lines].join('\n'))
    const model = await transfer(base, file, { ...quick, epochs: 1, multiLabel: true, validation: 0.2 })
    expect(model.labels).toEqual(labels)
    expect(model.training!.evaluations[0]!.metrics).toHaveProperty('microF1')
    expect(await model.evaluate(file)).toEqual(await model.evaluate(rows))
    await model.dispose()
  })

  it.each([
    [{ threshold: 1 }, rows, "'threshold' must be a number above 0 and below 1, but got 1."],
    [{ calibrate: true }, rows, "but got 'calibrate'"],
    [{ fewShot: true }, rows, "'fewShot' must be left out with multiLabel"],
    [{}, [{ text: 'a', labels: [['film']] }], 'must be a list of strings, numbers or booleans'],
    [{}, [{ text: 'a', labels: ['film'] }], 'of at least two classes'],
    [{}, [{ text: ' ', labels: ['film'] }], '1 row (row 1) with blank text'],
  ])('refuse %j with some rows', async (changes, given, text) => {
    const options = { ...quick, validation: false, multiLabel: true, ...changes } as const
    expect((await refusal(transfer(base, given, options))).message).toContain(text)
  })

  it('refuse a label that the model does not have', async () => {
    const error = await refusal((await training).evaluate([{ text: 'the', labels: 'film|plot' }]))
    expect(error.message).toContain("'plot', which is not in that list")
  })
})
