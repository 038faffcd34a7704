import { fixturePath, loadFixture } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatMessage, type ChatModel, load, type WrittenText } from '../src/index'
import { textOf } from './support'

const { newTokens, cases } = loadFixture<{
  newTokens: number
  cases: { messages: ChatMessage[]; prompt: number[]; tokens: number[]; text: string }[]
}>('chat/tiny-chat')
const hello: ChatMessage[] = [{ role: 'user', content: 'Hello' }]

let model: ChatModel
beforeAll(async () => {
  model = await load(fixturePath('chat/tiny-chat'))
})
afterAll(() => model.dispose())

async function collect(stream: AsyncIterable<string>): Promise<string[]> {
  const pieces: string[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}

describe('chat', () => {
  it.each(cases)('writes what transformers writes: $text', async ({ messages, prompt, tokens, text }) => {
    const ends: WrittenText[] = []
    const onEnd = (end: WrittenText) => ends.push(end)
    const pieces = await collect(model.chat(messages, { maxNewTokens: newTokens, onEnd }))
    expect(pieces.join('')).toBe(text)
    expect(pieces.length).toBe(text.length)
    expect(ends).toEqual([
      {
        finish: tokens.at(-1) === 2 ? 'stop' : 'length',
        promptTokens: prompt.length,
        cachedTokens: 0,
        completionTokens: tokens.length,
      },
    ])
  })

  it('refuses a cache of another model, or one that is disposed of', async () => {
    const cache = await model.openCache?.()
    const other = await load(fixturePath('chat/tiny-chat'))
    const expected = "chat: 'cache' must be one that openCache of this model gave"
    await expect(textOf(other.chat(hello, { cache }))).rejects.toThrow(expected)
    await other.dispose()
    await cache!.dispose()
    await expect(textOf(model.chat(hello, { cache }))).rejects.toThrow(expected)
    await expect(model.openCache!({ texts: 0 })).rejects.toThrow("'texts' must be a whole number")
  })

  it('answers several at a time, each as if it were alone', async () => {
    const expected: string[] = []
    const ask = ({ messages }: (typeof cases)[number], seed: number) =>
      model.chat(messages, { maxNewTokens: 20, temperature: 1.5, seed })
    for (const [seed, one] of cases.entries()) expected.push(await textOf(ask(one, seed)))
    const streams = cases.map(ask)
    const firsts = await Promise.all(streams.map((stream) => stream.next()))
    const order: number[] = []
    const together = await Promise.all(
      streams.map(async (stream, index) => {
        let text = firsts[index]!.value ?? ''
        for await (const piece of stream) {
          order.push(index)
          text += piece
        }
        return text
      }),
    )
    expect(together).toEqual(expected)
    // Step by step, each step a token of all.
    expect(order.slice(0, 8)).toEqual([0, 1, 2, 3, 0, 1, 2, 3])
  })

  it('draws by the seed', async () => {
    const draw = (seed: number) => textOf(model.chat(hello, { temperature: 1, seed, maxNewTokens: 16 }))
    expect(await draw(1)).toBe(await draw(1))
    expect(await draw(1)).not.toBe(await draw(2))
    expect(await textOf(model.chat(hello, { temperature: 0, seed: 2, maxNewTokens: 5 }))).toBe('vrevv')
  })

  it('ends in front of a stop string', async () => {
    const ends: WrittenText[] = []
    const options = { stop: ['vMx', 'vvMK'], onEnd: (end: WrittenText) => ends.push(end) }
    // vrevvvMxvMKvvMe…
    expect(await collect(model.chat(hello, options))).toEqual(['vr', 'e', 'v', 'v'])
    expect(ends).toEqual([{ finish: 'stop', promptTokens: 24, cachedTokens: 0, completionTokens: 8 }])
    expect(await textOf(model.chat(hello, { stop: 'zTHx' }))).toBe(cases[0]!.text)
  })

  it('stops when its signal fires, and when the loop is left', async () => {
    const controller = new AbortController()
    const stream = model.chat(hello, { signal: controller.signal })
    await stream.next()
    controller.abort()
    await expect(collect(stream)).rejects.toThrow('stopped by its AbortSignal')
    for await (const _ of model.chat(hello)) break
    expect(await textOf(model.chat(hello, { maxNewTokens: 4 }))).toBe('vrev')
  })

  it('fills the context at most', async () => {
    const ends: WrittenText[] = []
    const content = 'x'.repeat(226)
    const options = { temperature: 1, stop: 'never', onEnd: (end: WrittenText) => ends.push(end) }
    await textOf(model.chat([{ role: 'user', content }], { ...options, seed: 3 }))
    expect(ends[0]!.promptTokens).toBe(245)
    expect(ends[0]!.completionTokens).toBeLessThanOrEqual(11)
    const tooLong = model.chat([{ role: 'user', content: 'x'.repeat(237) }])
    await expect(collect(tooLong)).rejects.toThrow(
      "chat: 'messages' must be fewer tokens than the 256 of the model's context, but got 256.",
    )
  })

  it.each([
    [[], "'messages' must be a list of at least one message, but got none"],
    [
      [{ role: 'bot', content: 'x' }],
      `'messages[0].role' must be system, developer, user, assistant, tool, but got "bot"`,
    ],
    [[{ role: 'user' }], "'messages[0].content' must be a string, but got nothing"],
  ])('refuses %j', async (messages, message) => {
    await expect(collect(model.chat(messages as ChatMessage[]))).rejects.toThrow(message)
  })

  it('refuses options that it does not know, and empty stop strings', async () => {
    const options = { maxTokens: 3 } as object
    await expect(collect(model.chat(hello, options))).rejects.toThrow(
      /made of adapter, cache, maxNewTokens.*'maxTokens'/,
    )
    await expect(collect(model.chat(hello, { stop: ['a', ''] }))).rejects.toThrow(
      "'stop' must be made of texts that are not empty",
    )
    await expect(collect(model.chat(hello, { stop: 5 as unknown as string }))).rejects.toThrow(
      "'stop' must be made of texts that are not empty, but got 5",
    )
  })

  it('refuses a message of any length that does not fit', async () => {
    const content = 'a '.repeat(300_000)
    await expect(collect(model.chat([{ role: 'user', content }]))).rejects.toThrow(
      /'messages' must be fewer tokens than the \d+ of the model's context, but got \d{6}/,
    )
  })
})

describe('generate', () => {
  it('continues a text', async () => {
    const text = await textOf(model.generate('Once', { maxNewTokens: 6 }))
    expect(text).toHaveLength(6)
    expect(await textOf(model.generate('Once', { maxNewTokens: 6 }))).toBe(text)
    await expect(collect(model.generate(5 as never))).rejects.toThrow("'text' must be a string")
  })
})

describe('in a thread', () => {
  it('gives the same text and end, and hears signals', async () => {
    const threaded = await load(fixturePath('chat/tiny-chat'), { thread: true })
    try {
      const ends: WrittenText[] = []
      const onEnd = (end: WrittenText) => ends.push(end)
      const { messages, text } = cases[0]!
      expect(await textOf(threaded.chat(messages, { maxNewTokens: newTokens, onEnd }))).toBe(text)
      expect(ends).toEqual([{ finish: 'stop', promptTokens: 24, cachedTokens: 0, completionTokens: 28 }])
      expect([threaded.source, threaded.contextLength]).toEqual([model.source, 256])
      expect(await threaded.countTokens(messages)).toBe(24)
      const signal = AbortSignal.abort()
      await expect(collect(threaded.chat(messages, { signal }))).rejects.toThrow('stopped by its AbortSignal')
    } finally {
      await threaded.dispose()
    }
  })
})
