import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixturePath } from '@tfx/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { type ChatMessage, load, transfer, type TransferOptions } from '../src/index'

const base = fixturePath('chat/tiny-chat')
const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
afterAll(() => rm(folder, { recursive: true }))

const dialogue = (question: string, answer: string): { messages: ChatMessage[] } => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
})
const dialogues = ['one', 'two', 'six', 'ten'].map((word) => dialogue(word, word.toUpperCase()))
const quick = {
  learningRate: 1e-2,
  batchSize: 4,
  seed: 1,
  progress: false,
  validation: false,
} satisfies TransferOptions

async function textOf(stream: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

describe('transfer', () => {
  it('learns to answer, is saved, loaded and trained further', async () => {
    const bot = await transfer(base, dialogues, { ...quick, epochs: 80 })
    const before = await load(base)
    const untuned = await before.evaluate(dialogues)
    const tuned = await bot.evaluate(dialogues)
    expect(tuned.perplexity).toBeLessThan(untuned.perplexity / 10)
    expect(tuned.perplexity).toBeCloseTo(Math.exp(tuned.loss), 10)
    const ask = [{ role: 'user', content: 'six' }] as const
    expect(await textOf(bot.chat(ask))).toBe('SIX')

    const directory = join(folder, 'bot')
    await bot.save(directory, { onnx: [] })
    const again = await load(directory)
    expect(await textOf(again.chat(ask))).toBe('SIX')
    expect((await again.evaluate(dialogues)).loss).toBeCloseTo(tuned.loss, 5)
    const further = await transfer(bot, dialogues, { ...quick, epochs: 1 })
    expect(further.training!.history[0]!.loss).toBeLessThan(0.5)
    await Promise.all([bot, before, again, further].map((model) => model.dispose()))
  })
})
