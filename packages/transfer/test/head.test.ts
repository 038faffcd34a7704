import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { loadFor } from '../src/index'
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
    const code = readFileSync(new URL('topic-head.ts', import.meta.url), 'utf8')
    expect(guide).toContain(code)
  })
})
