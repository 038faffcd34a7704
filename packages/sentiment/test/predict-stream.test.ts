import { setTimeout } from 'node:timers/promises'
import { AbortedError, ArgumentError } from '@tfx/common'
import { failureOf } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load, type SentimentModel } from '../src/index'
import { base, toyRows } from './support'

const texts = toyRows(['no', 'yes'], { count: 70 }).map(({ text }) => text)

describe.each([
  ['in this thread', false],
  ['in a thread of its own', true],
])('predictStream %s', (_, thread) => {
  let model: SentimentModel
  beforeAll(async () => {
    model = await load(base, { thread })
  })
  afterAll(() => model.dispose())

  it('answers in order, as predict does, by arrays, generators and async generators', async () => {
    const expected = await model.predict(texts, { batchSize: 1 })
    async function* slow() {
      for (const [index, text] of texts.entries()) {
        if (index === 40) await setTimeout(20)
        yield { text }
      }
    }
    for (const source of [texts, texts.values(), slow()]) {
      const scores: number[] = []
      const labels: string[] = []
      for await (const { score, label } of model.predictStream(source, { batchSize: 8 })) {
        scores.push(score)
        labels.push(label)
      }
      expect(labels).toEqual(expected.map(({ label }) => label))
      expect(scores).toBeAllClose(
        expected.map(({ score }) => score),
        { absolute: 1e-6, relative: 0 },
      )
    }
    for await (const answer of model.predictStream([])) expect(answer).toBe('none')
  })

  it('reads no further than it is asked, and ends the source', async () => {
    let [read, ended] = [0, false]
    function* endless() {
      try {
        for (;;) yield texts[read++ % texts.length]!
      } finally {
        ended = true
      }
    }
    let count = 0
    for await (const { label } of model.predictStream(endless(), { batchSize: 4 })) {
      expect(label).toMatch(/^\w+$/)
      if (++count === 10) break
    }
    // A message to a thread holds up to 256 texts.
    expect(read).toBeLessThanOrEqual(thread ? 512 : 12)
    await setTimeout(10)
    expect(ended).toBe(true)
  })

  it.each([NaN, 0, 1.5, Infinity, '8' as never])(
    'does not read a stream for batches of %s',
    async (batchSize) => {
      let read = 0
      const endless = function* () {
        while (read++ < 1000) yield 'a good film'
      }
      const error = await failureOf(model.predictStream(endless(), { batchSize }).next())
      expect(error).toBeInstanceOf(ArgumentError)
      expect(error.message).toContain("predictStream: 'batchSize' must be an integer of at least 1")
      expect(read).toBeLessThan(2)
    },
  )

  it('stops at its signal, also while it waits for the source', async () => {
    const controller = new AbortController()
    async function* stuck() {
      yield* texts.slice(0, 8)
      controller.abort(new Error('enough'))
      await new Promise<never>(() => {})
    }
    let answers = 0
    const all = async () => {
      for await (const answer of model.predictStream(stuck(), { batchSize: 4, signal: controller.signal }))
        if (answer.score > 0) answers++
    }
    const error = await failureOf(all())
    expect(error).toBeInstanceOf(AbortedError)
    expect(error.cause).toEqual(new Error('enough'))
    expect(answers).toBeLessThanOrEqual(8)
  })

  it('passes on what the source throws, after the answers before it', async () => {
    const broken = new Error('broken')
    function* source() {
      yield* texts.slice(0, 6)
      throw broken
    }
    let answers = 0
    const all = async (inputs: Iterable<string>) => {
      for await (const answer of model.predictStream(inputs, { batchSize: 3 }))
        if (answer.score > 0) answers++
    }
    expect(await failureOf(all(source()))).toBe(broken)
    expect(answers).toBe(6)
    expect(await failureOf(all('text'))).toBeInstanceOf(ArgumentError)
    expect((await failureOf(all([1] as never))).message).toContain("predict: 'inputs[0]' must be a string")
  })

  it('answers a long stream in constant memory', async () => {
    const count = thread ? 4_000 : 12_000
    function* many(length: number) {
      for (let index = 0; index < length; index++)
        yield `${texts[index % texts.length]} ${'x'.repeat(200)} ${index}`
    }
    const run = async (length: number) => {
      let answers = 0
      for await (const { score } of model.predictStream(many(length), { truncation: true }))
        if (score > 0) answers++
      return answers
    }
    await run(500)
    const before = process.memoryUsage().rss
    expect(await run(count)).toBe(count)
    // Its texts alone, held as tokens and answers, would be several kilobytes each.
    expect(process.memoryUsage().rss - before).toBeLessThan(24 * 2 ** 20)
  })
})
