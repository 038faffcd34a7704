import { fixturePath } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatModel, createChatSession, load, restoreChatSession, type WrittenText } from '../src/index'
import { textOf } from './support'

const settings = { temperature: 1, maxNewTokens: 12 }

let model: ChatModel
beforeAll(async () => {
  model = await load(fixturePath('chat/tiny-chat'))
})
afterAll(() => model.dispose())

/** A model that reads every dialogue anew. */
const withoutCache = (own: ChatModel) =>
  Object.fromEntries(Object.entries(own).filter(([name]) => name !== 'openCache')) as unknown as ChatModel

describe('a chat session', () => {
  it('reads what was said before', async () => {
    const session = createChatSession(model, { system: 'Be brief.', temperature: 0, maxNewTokens: 8 })
    const first = await textOf(session.send('Hello'))
    const second = await textOf(session.send('And then?'))
    const messages = [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: first },
      { role: 'user', content: 'And then?' },
      { role: 'assistant', content: second },
    ] as const
    expect(session.messages).toEqual(messages)
    const asked = [{ role: 'system', content: 'Be brief.' } as const, ...messages.slice(0, 3)]
    expect(await textOf(model.chat(asked, { temperature: 0, maxNewTokens: 8 }))).toBe(second)
  })

  describe.each([
    ['in this thread', false],
    ['in a thread', true],
  ])('%s', (_, thread) => {
    it('reads only what is new, and answers as if it had read all', async () => {
      const own = await load(fixturePath('chat/tiny-chat'), { thread })
      const ends: WrittenText[] = []
      const onEnd = (end: WrittenText) => void ends.push(end)
      const forgetful = withoutCache(own)
      for (const options of [{ temperature: 0 }, { temperature: 1, seed: 3 }]) {
        const session = createChatSession(own, { maxNewTokens: 8, ...options })
        const other = createChatSession(forgetful, { maxNewTokens: 8, ...options })
        for (const question of ['Hello', 'And then?', 'Why?']) {
          expect(await textOf(session.send(question, { onEnd }))).toBe(
            await textOf(other.send(question, { onEnd })),
          )
        }
        const [first, , second, , third, anew] = ends.splice(0)
        expect([first!.cachedTokens, anew!.cachedTokens]).toEqual([0, 0])
        // The dialogue before, without the last token of the reply at most.
        const known = (end: WrittenText) => end.promptTokens + end.completionTokens - 2
        expect(second!.cachedTokens).toBeGreaterThanOrEqual(known(first!) - 1)
        expect(second!.cachedTokens).toBeLessThan(second!.promptTokens)
        expect(third!.cachedTokens).toBeGreaterThan(second!.promptTokens)

        await textOf(session.regenerate({ onEnd }))
        expect(ends.pop()!.cachedTokens).toBe(third!.promptTokens - 1)
        await session.dispose()
        await textOf(session.regenerate({ onEnd }))
        expect(ends.pop()!.cachedTokens).toBe(0)
        session.reset()
        await textOf(session.send('Hello', { onEnd }))
        expect(ends.pop()!.cachedTokens).toBe(0)
      }
      await own.dispose()
    })
  })

  it('answers as if it had read all when older turns are left out, and after a reply that was broken off', async () => {
    const options = { temperature: 0, maxNewTokens: 12, system: 'Be brief.' }
    const forgetful = withoutCache(model)
    const [session, other] = [createChatSession(model, options), createChatSession(forgetful, options)]
    for (let turn = 0; turn < 6; turn++) {
      const question = `Question ${turn} ${'x'.repeat(30)}`
      for (const each of [session, other]) {
        const stream = each.send(question)
        await stream.next()
        if (turn === 2) await stream.return()
        else await textOf(stream)
      }
    }
    expect(session.forgotten).toBeGreaterThan(0)
    expect(session.messages).toEqual(other.messages)
  })

  it('leaves the oldest turns out when the context is full, and says so', async () => {
    const forgotten: number[] = []
    const session = createChatSession(model, {
      ...settings,
      system: 'Be brief.',
      onForget: (count) => forgotten.push(count),
    })
    for (let turn = 0; turn < 5; turn++) await textOf(session.send(`Question ${turn} ${'x'.repeat(30)}`))
    expect(session.messages).toHaveLength(10)
    expect(session.forgotten).toBe(forgotten.at(-1))
    expect(forgotten.length).toBeGreaterThan(1)
    // Whole turns, and no more of them than need be.
    const system = { role: 'system', content: 'Be brief.' } as const
    const read = session.messages.slice(session.forgotten, -1)
    expect(read[0]!.role).toBe('user')
    expect((await model.countTokens([system, ...read])) + 12).toBeLessThanOrEqual(256)
    const more = session.messages.slice(session.forgotten - 2, -1)
    expect((await model.countTokens([system, ...more])) + 12).toBeGreaterThan(256)
  })

  it('refuses a message that cannot fit, and forgets it', async () => {
    const session = createChatSession(model, settings)
    await textOf(session.send('Hello'))
    await expect(textOf(session.send('x'.repeat(250)))).rejects.toThrow(
      /^send: 'text' must be fewer tokens, with the system prompt, than the 256 .* but got 269/,
    )
    expect(session.messages).toHaveLength(2)
  })

  it('replaces its last reply', async () => {
    const session = createChatSession(model, settings)
    const first = await textOf(session.send('Hello'))
    const other = await textOf(session.regenerate())
    expect(other).not.toBe(first)
    expect(session.messages.map(({ content }) => content)).toEqual(['Hello', other])
    const again = createChatSession(model, settings)
    expect(await textOf(again.send('Hello'))).toBe(first)
    again.reset()
    await expect(textOf(again.regenerate())).rejects.toThrow("regenerate: 'session' must be one with a reply")
  })

  it('goes on where it was saved', async () => {
    const session = createChatSession(model, { ...settings, system: 'Be brief.' })
    await textOf(session.send('Hello'))
    const saved: unknown = JSON.parse(JSON.stringify(session))
    const restored = restoreChatSession(model, saved, settings)
    expect(restored.system).toBe('Be brief.')
    expect(await textOf(restored.send('More'))).toBe(await textOf(session.send('More')))
    expect(restored.toJSON()).toEqual(session.toJSON())
  })

  it('keeps a reply that is broken off as far as it came, and answers one at a time', async () => {
    const session = createChatSession(model, settings)
    const stream = session.send('Hello')
    const { value } = await stream.next()
    await expect(textOf(session.send('Now'))).rejects.toThrow("'session' must be one that is not answering")
    await stream.return()
    expect(session.messages.map(({ content }) => content)).toEqual(['Hello', value])
    const signal = AbortSignal.abort()
    await expect(textOf(session.send('Again', { signal }))).rejects.toThrow('stopped by its AbortSignal')
    expect(session.messages).toHaveLength(2)
  })

  it.each([
    ['a text', "'saved' must be an object, but got string"],
    [{ version: 2 }, "'version' must be 1, but got 2"],
    [
      { version: 1, messages: [{ role: 'assistant', content: '' }] },
      "'messages[0]' must be a text of the user",
    ],
    [
      { version: 1, messages: [{ role: 'user', content: '' }], forgotten: 0, replies: 0 },
      "'messages' must be turns with a reply each",
    ],
    [{ version: 1, messages: [], forgotten: 2, replies: 0 }, "'forgotten' must be a number of messages"],
    [{ version: 1, messages: [], forgotten: 0, replies: -1 }, "'replies' must be a number"],
  ])('refuses to go on with %j', (saved, message) => {
    expect(() => restoreChatSession(model, saved)).toThrow(message)
  })
})
