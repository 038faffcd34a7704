import { type ChatModel, load } from '@tfx/chat'
import { fixturePath } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatServer, createChatServer } from '../src/index'

let model: ChatModel
let server: ChatServer
let url: string
const errors: unknown[] = []

beforeAll(async () => {
  model = await load(fixturePath('chat/tiny-chat'), { thread: true })
  server = createChatServer({ model, name: 'tiny', onError: (error) => errors.push(error) })
  url = await server.listen({ port: 0 })
})

afterAll(async () => {
  await server.close()
  await model.dispose()
  expect(errors).toEqual([])
})

const post = async (body: string) => {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body, headers })
  return { status: response.status, body: (await response.json()) as object }
}
const request = (more: string, content = 'Hello') =>
  `{"model":"tiny","max_tokens":1,"messages":[{"role":"user","content":${JSON.stringify(content)}}],${more}}`
const refusal = (message: RegExp) => ({
  status: 400,
  body: {
    error: {
      message: expect.stringMatching(message) as string,
      type: 'invalid_request_error',
      param: null,
      code: null,
    },
  },
})

describe('a request whose lists lie in one another', () => {
  it.each(['tools', 'response_format', 'metadata', 'nothing'])(
    'by the thousand in %s is refused',
    async (name) => {
      const deep = request(`"${name}":${'['.repeat(200_000)}${']'.repeat(200_000)}`)
      expect(await post(deep)).toEqual(refusal(/more than 100 lists and objects in one another/))
    },
  )

  it('or beside one another, too many, is refused', async () => {
    const wide = request(`"metadata":[${'[],'.repeat(60_000)}[]]`)
    expect(await post(wide)).toEqual(refusal(/or 50000 in all/))
  })

  it('is read where they are part of a text, or few', async () => {
    const text = `"\\${'['.repeat(100)}${'{}'.repeat(20)}`
    expect(await post(request(`"metadata":${'['.repeat(90)}${']'.repeat(90)}`, text))).toMatchObject({
      status: 200,
    })
  })
})
