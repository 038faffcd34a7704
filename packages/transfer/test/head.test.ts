import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { createEmbedder, loadFor } from '../src/index'
import { similarityHead, transferSimilarity } from './similarity-head'
import { entityHead, transferEntities } from './entity-head'
import { topicHead, transferTopics } from './topic-head'

const base = fixturePath('core/bert-classification')
const words = { sport: 'play', film: 'watch', food: 'cafe' }

/** Texts that name any of three topics. */
const rows = Array.from({ length: 160 }, (_, index) => {
  const topics = (['sport', 'film', 'food'] as const).filter((_, bit) => (index >> bit) & 1)
  return { text: ['the', ...topics.map((name) => words[name]), 'was'].join(' '), topics: topics.join(';') }
})
const options = { epochs: 15, learningRate: 5e-3, progress: false }

describe('a head of ones own', () => {
  it('trains, evaluates, predicts, is saved and loaded', async () => {
    const model = await transferTopics(base, rows, options)
    expect(model.labels).toEqual(['film', 'food', 'sport'])
    expect((await model.evaluate(rows)).exactMatch).toBeGreaterThan(0.9)
    const answer = await model.predict('the play cafe was')
    expect(answer.sport).toBeGreaterThan(0.5)
    expect(answer.food).toBeGreaterThan(0.5)
    expect(answer.film).toBeLessThan(0.5)
    const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
    await model.save(join(folder, 'topics'))
    const loaded = await loadFor(topicHead, join(folder, 'topics'))
    expect(Object.values(await loaded.predict('the play cafe was'))).toBeAllClose(Object.values(answer))
    await rm(folder, { recursive: true })
    await Promise.all([model.dispose(), loaded.dispose()])
  })

  it('has options of its own, and no others', async () => {
    const plain = await transferTopics(base, rows, { ...options, epochs: 0.1, dropout: 0 })
    const weighted = await transferTopics(base, rows, {
      ...options,
      epochs: 0.1,
      dropout: 0,
      positiveWeight: 3,
    })
    expect(weighted.training!.history[0]!.loss).not.toBeCloseTo(plain.training!.history[0]!.loss, 2)
    await expect(transferTopics(base, rows, { labelSmoothing: 0.1 } as object)).rejects.toThrow(
      "but got 'labelSmoothing'. Correct the name or leave it out.",
    )
    await Promise.all([plain.dispose(), weighted.dispose()])
  })

  it('is what the guide shows', () => {
    const guide = readFileSync(new URL('../../../docs/write-a-head.md', import.meta.url), 'utf8')
    for (const name of ['topic-head.ts', 'entity-head.ts', 'similarity-head.ts'])
      expect(guide).toContain(readFileSync(new URL(name, import.meta.url), 'utf8'))
  })

  it('may answer for each word', async () => {
    const tagged = rows.map(({ text }) => ({
      words: text,
      tags: text
        .split(' ')
        .map((word) => ({ play: 'EVENT', watch: 'THING', cafe: 'PLACE' })[word] ?? 'O')
        .join(' '),
    }))
    const model = await transferEntities(base, tagged, { ...options, epochs: 6 })
    expect(model.labels).toEqual(['EVENT', 'O', 'PLACE', 'THING'])
    expect((await model.evaluate(tagged)).f1).toBeGreaterThan(0.95)
    const entities = [
      { word: 'cafe', tag: 'PLACE' },
      { word: 'play', tag: 'EVENT' },
    ]
    expect(await model.predict(['the was', 'the cafe was play'])).toEqual([[], entities])
    const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
    await model.save(join(folder, 'entities'))
    const loaded = await loadFor(entityHead, join(folder, 'entities'))
    expect(await loaded.predict('the cafe was play')).toEqual(entities)
    await rm(folder, { recursive: true })
    await Promise.all([model.dispose(), loaded.dispose()])
  })

  it('may give vectors, which are those of an embedder of the saved model', async () => {
    const grouped = rows.map(({ text, topics }) => ({ text, group: topics }))
    const model = await transferSimilarity(base, grouped, { ...options, epochs: 4 })
    expect((await model.evaluate(grouped)).nearestIsOfGroup).toBeGreaterThan(0.9)
    const texts = ['the play was', 'the watch cafe was']
    const vectors = await model.predict(texts)
    expect(vectors[0]!.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(1, 5)
    const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
    await model.save(join(folder, 'similar'))
    const loaded = await loadFor(similarityHead, join(folder, 'similar'))
    expect((await loaded.predict(texts)).flat()).toBeAllClose(vectors.flat())
    const embedder = await createEmbedder(join(folder, 'similar'))
    expect(await embedder.embed(texts)).toBeAllClose(vectors.flat(), { absolute: 1e-5 })
    await rm(folder, { recursive: true })
    await Promise.all([model.dispose(), loaded.dispose(), embedder.dispose()])
  })
})
