import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { describe, expect, it } from 'vitest'
import { transfer } from '../src/index'
import { base, makeBase, quick, temporaryFolders, toyRows } from './support'

env.allowRemoteModels = false

const folders = temporaryFolders()

describe('stars', () => {
  it('are read from a CSV file as numbers, and kept in their order', async () => {
    const stars = [5, 1, 4, 2, 10]
    const rows = toyRows(stars)
    const file = folders.path('reviews.csv')
    await writeFile(file, ['review,stars', ...rows.map(({ text, label }) => `"${text}",${label}`)].join('\n'))
    const model = await transfer(base, file, { ...quick, epochs: 12, validation: false })
    expect(model.labels).toEqual(['1', '2', '4', '5', '10'])
    const { accuracy } = await model.evaluate(toyRows(stars, { count: 50, seed: 2 }))
    expect(accuracy).toBeGreaterThan(0.9)
    // The stars that are expected are a mean over all of them.
    const { scores } = await model.predict(rows[1]!.text)
    const expected = Object.entries(scores).reduce((sum, [label, score]) => sum + Number(label) * score, 0)
    expect(expected).toBeGreaterThan(0.99)
    expect(expected).toBeLessThan(3)
    await model.dispose()
  })
})

describe('three classes', () => {
  it('have a probability of neutral for every text', async () => {
    const labels = ['negative', 'neutral', 'positive']
    const model = await transfer(base, toyRows(labels), { ...quick, epochs: 12, validation: false, labels })
    const answers = await model.predict(toyRows(labels, { count: 60, seed: 3 }).map(({ text }) => text))
    const mean = (wanted: string) => {
      const chosen = answers.filter(({ label }) => label === wanted)
      return chosen.reduce((sum, { scores }) => sum + scores.neutral!, 0) / chosen.length
    }
    expect(mean('neutral')).toBeGreaterThan(0.7)
    expect(mean('positive')).toBeLessThan(0.3)
    expect(mean('negative')).toBeLessThan(0.3)
    await model.dispose()
  })
})

describe('several languages', () => {
  const sentences = {
    english: ['the movie was', 'great', 'terrible'],
    german: ['der film war', 'großartig', 'furchtbar'],
    spanish: ['la película fue', 'maravillosa', 'horrible'],
    russian: ['этот фильм был', 'отличный', 'ужасный'],
    japanese: ['この 映画 は', '素晴らしい', 'ひどい'],
  }
  const starts = Object.values(sentences).map(([start]) => start)
  const rows = Array.from({ length: 200 }, (_, index) => {
    const [, good, bad] = Object.values(sentences)[index % 5]!
    const [word, label] = index % 2 === 0 ? [good, 'positive'] : [bad, 'negative']
    // The start is of another language as often as not: only the last word tells.
    return { text: `${starts[Math.floor(index / 10) % 5]} ${word}`, label: label }
  })

  it('are learned together on a multilingual base, and served by Transformers.js', async () => {
    const fixture = 'sentiment/multilingual'
    const multilingual = await makeBase({ tokenizer: fixture, config: fixture }, folders.path('multilingual'))
    const model = await transfer(multilingual, rows, {
      ...quick,
      epochs: 10,
      batchSize: 16,
      validation: false,
    })
    expect(model.config.modelType).toBe('xlm-roberta')
    const texts = Object.values(sentences).flatMap(([start, good, bad]) => [
      `${start} ${good}`,
      `${start} ${bad}`,
    ])
    const answers = await model.predict(texts)
    expect(answers.map(({ label }) => label)).toEqual(
      texts.map((_, index) => ['positive', 'negative'][index % 2]),
    )
    const directory = folders.path('served-languages')
    await model.save(directory)
    await model.dispose()
    env.localModelPath = dirname(directory)
    const classify = await pipeline('sentiment-analysis', 'served-languages', { dtype: 'fp32' })
    for (const [index, text] of texts.entries()) {
      const [answer] = (await classify(text)) as { label: string; score: number }[]
      expect(answer!.label).toBe(answers[index]!.label)
      expect(answer!.score).toBeCloseTo(answers[index]!.score, 4)
    }
    await classify.dispose()
  })
})
