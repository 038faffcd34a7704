import { load, transfer } from '@tfx/chat'
import { fixturePath, temporaryFolder } from '@tfx/testing'
import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { createChatServer } from '../src/index'

const tiny = fixturePath('chat/tiny-chat')
const folder = temporaryFolder()

it('adapters are served beside their base, each as a model', async () => {
  const adapters: Record<string, string> = {}
  for (const [name, answer] of Object.entries({ loud: 'SIX', twice: 'sixsix' })) {
    const options = { epochs: 60, learningRate: 0.05, adapter: 'lora', progress: false } as const
    const rows = [{ prompt: 'six', completion: answer }]
    const bot = await transfer(tiny, rows, { ...options, validation: false })
    await bot.saveAdapter(folder(name))
    adapters[name] = folder(name)
    await bot.dispose()
  }
  const model = await load(tiny, { adapters, thread: true })
  const plain = await load(tiny)
  const server = createChatServer({ model, name: 'tiny', adapters: Object.keys(adapters) })
  const client = new OpenAI({ baseURL: `${await server.listen({ port: 0 })}/v1`, apiKey: '-', maxRetries: 0 })
  const listed = await client.models.list()
  expect(listed.data.map(({ id }) => id)).toEqual(['tiny', 'loud', 'twice'])
  expect((await client.models.retrieve('twice')).id).toBe('twice')
  const messages = [{ role: 'user', content: 'six' }] as const
  const ask = async (name: string) => {
    const { choices, ...reply } = await client.chat.completions.create({
      ...{ model: name, messages: [...messages], max_tokens: 8 },
    })
    expect(reply.model).toBe(name)
    return choices[0]!.message.content
  }
  let untuned = ''
  for await (const piece of plain.chat(messages, { maxNewTokens: 8 })) untuned += piece
  const expected: Record<string, string> = { tiny: untuned, loud: 'SIX', twice: 'sixsix' }
  // Twice: the second time from the keys and values of the first, each of its own.
  const names = ['tiny', 'loud', 'twice', 'twice', 'loud', 'tiny']
  for (const turn of [1, 2])
    expect(await Promise.all(names.map(ask)), `turn ${turn}`).toEqual(names.map((name) => expected[name]))
  await expect(ask('quiet')).rejects.toThrow("There is no model 'quiet' here, but 'tiny', 'loud', 'twice'.")
  expect(() => createChatServer({ model, name: 'loud', adapters: ['loud'] })).toThrow(
    "createChatServer: 'adapters' must be names other than that of the model, but got 'loud'.",
  )
  await server.close()
  await Promise.all([model, plain].map((each) => each.dispose()))
}, 60_000)
