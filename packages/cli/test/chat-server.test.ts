import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { type ChatMessage, type ChatModel, load } from '@tfx/chat'
import { fixturePath, loadFixture } from '@tfx/testing'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AnsweredRequest, type ChatServer, createChatServer } from '../src/index'

const { newTokens, cases } = loadFixture<{
  newTokens: number
  cases: { messages: ChatMessage[]; prompt: number[]; tokens: number[]; text: string }[]
}>('chat/tiny-chat')
type Messages = OpenAI.ChatCompletionMessageParam[]
const asked = (index: number) => cases[index]!.messages as Messages

let model: ChatModel
let server: ChatServer
let url: string
let client: OpenAI
const log: AnsweredRequest[] = []
const errors: unknown[] = []

beforeAll(async () => {
  model = await load(fixturePath('chat/tiny-chat'), { thread: true })
  server = createChatServer({
    model,
    name: 'tiny',
    key: 'secret',
    maxConcurrency: 4,
    maxQueue: 16,
    maxBodySize: 10_000,
    timeout: 1000,
    onRequest: (request) => log.push(request),
    onError: (error) => errors.push(error),
  })
  url = await server.listen({ port: 0 })
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'secret', maxRetries: 0 })
})

afterAll(async () => {
  await server.close()
  await model.dispose()
  expect(errors).toEqual([])
})

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: 'Bearer secret', ...headers },
  })

describe('the official client', () => {
  it.each([0, 1, 2, 3])('gets the reply of dialogue %i', async (index) => {
    const { prompt, tokens, text } = cases[index]!
    const completion = await client.chat.completions.create({
      model: 'tiny',
      messages: asked(index),
      max_completion_tokens: newTokens,
    })
    expect(completion.object).toBe('chat.completion')
    expect(completion.model).toBe('tiny')
    expect(completion.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: null,
        finish_reason: tokens.at(-1) === 2 ? 'stop' : 'length',
      },
    ])
    expect(completion.usage).toEqual({
      prompt_tokens: prompt.length,
      completion_tokens: tokens.length,
      total_tokens: prompt.length + tokens.length,
      prompt_tokens_details: { cached_tokens: expect.any(Number) as number },
    })
  })

  it('streams it', async () => {
    const stream = await client.chat.completions.create({
      model: 'tiny',
      messages: asked(1),
      max_tokens: newTokens,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    const choices = chunks.flatMap((chunk) => chunk.choices)
    expect(choices[0]!.delta).toEqual({ role: 'assistant', content: '' })
    expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe(cases[1]!.text)
    expect(choices.length).toBeGreaterThan(10)
    expect(choices.map(({ finish_reason: reason }) => reason).filter(Boolean)).toEqual(['length'])
    expect(chunks.at(-1)!.usage).toMatchObject({
      prompt_tokens: 43,
      completion_tokens: 40,
      total_tokens: 83,
      // All but the last: the dialogue is that of a request before.
      prompt_tokens_details: { cached_tokens: 42 },
    })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
  })

  it('draws by temperature, top_p and seed, and stops where it is told', async () => {
    const draw = async (seed: number, options: object = {}) => {
      const request = { model: 'tiny', messages: asked(0), max_tokens: 12, temperature: 1, top_p: 0.9, seed }
      const { choices } = await client.chat.completions.create({ ...request, ...options })
      return choices[0]!
    }
    expect((await draw(1)).message.content).toBe((await draw(1)).message.content)
    expect((await draw(1)).message.content).not.toBe((await draw(2)).message.content)
    const { message, finish_reason: reason } = await draw(1, { temperature: 0, stop: ['vMx', 'never'] })
    expect([message.content, reason]).toEqual(['vrevv', 'stop'])
  })

  it('lists the model', async () => {
    const { data } = await client.models.list()
    expect(data).toEqual([
      { id: 'tiny', object: 'model', created: expect.any(Number) as number, owned_by: 'tfx' },
    ])
    expect((await client.models.retrieve('tiny')).id).toBe('tiny')
    await expect(client.models.retrieve('other')).rejects.toThrow("404 There is no model 'other' here")
  })

  it('is told what is wrong by the errors that it knows', async () => {
    const create = (fields: object, own = client) =>
      own.chat.completions.create({ model: 'tiny', messages: asked(0), ...fields })
    const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'wrong', maxRetries: 0 })
    await expect(create({}, stranger)).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    await expect(create({ model: 'gpt' })).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(create({ n: 2 })).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    const long = [{ role: 'user', content: 'x'.repeat(300) }]
    await expect(create({ messages: long, stream: true })).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'messages',
      type: 'invalid_request_error',
    })
  })
})

describe('dialogues that come back', () => {
  const talk = async (own: OpenAI, question: string) => {
    const messages: Messages = [{ role: 'system', content: question }]
    const cached: number[] = []
    const replies: string[] = []
    for (const content of [question, 'And then?', 'Why?']) {
      messages.push({ role: 'user', content })
      const request = { model: 'tiny', messages, max_tokens: 8, temperature: 0 }
      const { choices, usage } = await own.chat.completions.create(request)
      messages.push({ role: 'assistant', content: choices[0]!.message.content })
      replies.push(choices[0]!.message.content!)
      cached.push(usage!.prompt_tokens_details!.cached_tokens! / usage!.prompt_tokens)
    }
    return { cached, replies }
  }
  const served = async (cache: number) => {
    const own = createChatServer({ model, name: 'tiny', cache })
    const address = await own.listen({ port: 0 })
    const stranger = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 })
    const dialogues = await Promise.all(['red', 'green', 'blue'].map((question) => talk(stranger, question)))
    await own.close()
    return dialogues
  }

  it('are read from where they are new, with the same replies', async () => {
    const [kept, anew] = [await served(3), await served(0)]
    expect(kept.map(({ replies }) => replies)).toEqual(anew.map(({ replies }) => replies))
    for (const { cached } of anew) expect(cached).toEqual([0, 0, 0])
    for (const { cached } of kept) for (const share of cached.slice(1)) expect(share).toBeGreaterThan(0.5)
  })
})

describe('many clients at once', () => {
  it.each([1, 4, 16])('%i: each gets its own reply, whole', async (count) => {
    const ask = async (client_: number) => {
      const stream = await client.chat.completions.create({
        model: 'tiny',
        messages: asked(client_ % 4),
        max_tokens: newTokens,
        stream: true,
      })
      let text = ''
      for await (const { choices } of stream) text += choices[0]!.delta.content ?? ''
      return text
    }
    const clients = Array.from({ length: count }, (_, index) => index)
    expect(await Promise.all(clients.map(ask))).toEqual(clients.map((index) => cases[index % 4]!.text))
  })

  it('each gets what it gets alone, by its own seed, stop string and length, whoever leaves meanwhile', async () => {
    const wishes = [
      { temperature: 0, max_tokens: 30 },
      { temperature: 1.2, seed: 1, max_tokens: 40 },
      { temperature: 1, seed: 2, top_p: 0.9, max_tokens: 20 },
      { temperature: 0, stop: ['vMx'], max_tokens: 40 },
    ]
    const create = async (wish: number) => {
      const request = { model: 'tiny', messages: asked(wish === 3 ? 0 : wish), ...wishes[wish] }
      const { choices } = await client.chat.completions.create(request)
      return [choices[0]!.message.content, choices[0]!.finish_reason]
    }
    const alone: unknown[] = []
    for (const wish of wishes.keys()) alone.push(await create(wish))
    expect(alone[3]).toEqual(['vrevv', 'stop'])
    const leave = async () => {
      const request = { model: 'tiny', messages: asked(1), max_tokens: 100, stream: true } as const
      for await (const { choices } of await client.chat.completions.create(request))
        if (choices[0]!.delta.content) break
    }
    for (let round = 0; round < 3; round++) {
      const together = await Promise.all(
        [leave(), ...wishes.keys()].map((wish) => (wish instanceof Promise ? wish : create(wish))),
      )
      expect(together.slice(1)).toEqual(alone)
    }
  })

  it('refuses more than may wait, and lets in who waits when somebody leaves', async () => {
    const { held, release } = hold(model)
    const small = createChatServer({ model: held, name: 'tiny', maxConcurrency: 1, maxQueue: 1 })
    const address = await small.listen({ port: 0 })
    const controller = new AbortController()
    const first = await ask(address, controller.signal)
    const second = ask(address)
    await until(async () => (await health(address)).waiting === 1)
    expect(await health(address)).toEqual({ status: 'ok', running: 1, waiting: 1 })
    const third = await ask(address)
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await third.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'queue_full' } })
    // The first is never read to its end: by going away it makes room for the second.
    controller.abort()
    await expect(first.text()).rejects.toThrow()
    const response = await second
    expect(await health(address)).toEqual({ status: 'ok', running: 1, waiting: 0 })
    release()
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/)
    await until(async () => (await health(address)).running === 0)
    await small.close()
  })
})

describe('a client that does not read what it is sent', () => {
  it('is cut off, and its turn goes to others', async () => {
    const chat: ChatModel['chat'] = async function* () {
      for (;;) yield 'x'.repeat(2 ** 20)
    }
    const requests: AnsweredRequest[] = []
    const own = createChatServer({
      model: { ...model, chat },
      name: 'tiny',
      timeout: 300,
      onRequest: (request) => requests.push(request),
    })
    const { port } = new URL(await own.listen({ port: 0 }))
    const body = JSON.stringify({ model: 'tiny', messages: asked(0), stream: true })
    const socket = connect(Number(port), '127.0.0.1').pause()
    socket.on('error', () => undefined)
    socket.write(
      'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    )
    await until(() => requests.length > 0)
    expect(requests[0]!.status).toBe(499)
    expect((await health(`http://127.0.0.1:${port}`)).running).toBe(0)
    socket.destroy()
    await own.close()
  })
})

describe('bad requests', () => {
  it.each([
    ['{"model": "tiny", "messages": [', 400, 'The body is not JSON'],
    ['[]', 400, 'The body must be a JSON object.'],
    ['{"model": "tiny"}', 400, "'messages' is missing."],
    ['{"messages": [{"role": "user", "content": "x"}]}', 400, "'model' is missing."],
    ['{"model": "tiny", "messages": [5]}', 400, "'messages[0]' must be an object."],
    ['{"model": "tiny", "messages": [{"role": "tool", "content": "x"}]}', 400, "'messages[0].role' must be"],
    ['{"model": "tiny", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', 400, 'of type'],
    ['{"tools": [{}]}', 400, "'tools' is not supported here."],
    ['{"logprobs": true}', 400, "'logprobs' is not supported here."],
    ['{"temprature": 1}', 400, "There is no parameter 'temprature'."],
    ['{"temperature": 3}', 400, "'temperature' must be a number from 0 to 2."],
    ['{"max_tokens": 0}', 400, "'max_tokens' must be a whole number of at least 1."],
    ['{"stop": ["a", "b", "c", "d", "e"]}', 400, "'stop' must be a text, or up to 4"],
    [`{"x": "${'x'.repeat(20_000)}"}`, 413, 'more than the 10000 bytes'],
  ])('%.40s', async (body, status, message) => {
    const response = await post(body)
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as { error: { message: string; type: string } }
    expect(error.message).toContain(message)
    expect(error.type).toBe('invalid_request_error')
  })

  it('refuses a large body that does not say how large it is', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode(' '.repeat(8192))),
    })
    const headers = { 'content-type': 'application/json', authorization: 'Bearer secret' }
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body,
      headers,
      duplex: 'half',
    } as RequestInit).catch((error: unknown) => error)
    // Who goes on sending may find the connection closed before the answer is read.
    if (response instanceof Response) expect(response.status).toBe(413)
    await until(() => log.at(-1)!.status === 413)
  })

  it('takes texts in parts, null for nothing, and fields that change nothing', async () => {
    const content = [
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
    ]
    const body = {
      model: 'tiny',
      messages: [{ role: 'user', content }],
      max_tokens: 4,
      stop: null,
      user: 'me',
      n: 1,
    }
    const { choices } = (await (await post(JSON.stringify(body))).json()) as OpenAI.ChatCompletion
    expect(choices[0]!.message.content).toBe('vrev')
  })

  it.each([
    ['/v1/chat/completions', 'GET', 405],
    ['/v1/models', 'POST', 405],
    ['/v2', 'GET', 404],
    ['/health', 'GET', 200],
  ])('%s by %s', async (path, method, status) => {
    const response = await fetch(url + path, { method, headers: { authorization: 'Bearer secret' } })
    expect(response.status).toBe(status)
  })

  it('are not taken from pages of other origins, nor under other names', async () => {
    const simple = await post('{}', { 'content-type': 'text/plain', origin: 'https://evil.example' })
    expect(simple.status).toBe(415)
    expect(simple.headers.get('access-control-allow-origin')).toBeNull()
    const { port } = new URL(url)
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/health',
      headers: { host: 'evil.example' },
    }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(403)
  })

  it.each([
    ['headers', 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n'],
    [
      'a body',
      'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
        'Authorization: Bearer secret\r\nContent-Length: 100\r\n\r\n{"model"',
    ],
  ])('that do not send their %s in time are ended', async (_, text) => {
    const answer = await rawAnswer(text)
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toContain('The request did not come in time.')
  })

  it('that are none are refused', async () => {
    expect(await rawAnswer('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*The request is malformed\./)
  })
})

describe('stopping', () => {
  it('lets replies end within the grace, and refuses those that wait', async () => {
    const { held, release } = hold(model)
    const own = createChatServer({ model: held, name: 'tiny', maxConcurrency: 1 })
    const address = await own.listen({ port: 0 })
    const running = await ask(address)
    const waiting = ask(address)
    await until(async () => (await health(address)).waiting === 1)
    const closed = own.close(20_000)
    expect((await waiting).status).toBe(503)
    release()
    expect(await running.text()).toMatch(/\[DONE\]\n\n$/)
    await closed
    await expect(ask(address)).rejects.toThrow('fetch failed')
  })

  it('breaks replies off after it, and says so', async () => {
    const own = createChatServer({ model: hold(model).held, name: 'tiny' })
    const address = await own.listen({ port: 0 })
    const running = await ask(address)
    await own.close(0)
    expect(await running.text()).toMatch(/"The server is shutting down\."[^\n]*\n\n$/)
  })
})

describe('options', () => {
  it.each([
    [{ cache: -1 }, "'cache' must be a whole number of at least 0, but got -1"],
    [{ maxConcurrency: 0 }, "'maxConcurrency' must be a whole number of at least 1, but got 0"],
    [{ key: '' }, "'key' must be a text that is not empty"],
  ])('%j are refused', (options, message) => {
    expect(() => createChatServer({ model, ...options })).toThrow(message)
  })

  it('says what is wrong with a place to listen', async () => {
    const port = Number(new URL(url).port)
    await expect(createChatServer({ model }).listen({ port })).rejects.toThrow(
      `listen: must be an address of this machine with a free port, but got 127.0.0.1, port ${port} (EADDRINUSE).`,
    )
  })

  it('answers to other names if told to', async () => {
    const own = createChatServer({ model, allowedHosts: ['chat.example'] })
    const { port } = new URL(await own.listen({ port: 0 }))
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/health',
      headers: { host: 'chat.example' },
    }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(200)
    await own.close()
  })

  it('lets pages of an origin ask if told to', async () => {
    const own = createChatServer({ model, cors: 'https://app.example' })
    const address = await own.listen({ port: 0 })
    const preflight = await fetch(`${address}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example')
    const other = await fetch(`${address}/health`, { headers: { origin: 'https://evil.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    await own.close()
  })
})

/** The same model, whose replies stop behind their first piece until they are released. */
function hold(held: ChatModel): { held: ChatModel; release(this: void): void } {
  const gate = new AbortController()
  const chat: ChatModel['chat'] = async function* (messages, options = {}) {
    for await (const piece of held.chat(messages, options)) {
      yield piece
      const signals = [gate.signal, options.signal!]
      if (!signals.some(({ aborted }) => aborted)) await once(AbortSignal.any(signals), 'abort')
    }
  }
  return { held: { ...held, chat }, release: () => gate.abort() }
}

/** Asks for a stream; the answer is there when its first piece is. */
const ask = (address: string, signal?: AbortSignal) =>
  fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'tiny', messages: asked(1), max_tokens: 6, stream: true }),
    ...(signal && { signal }),
  })

const health = async (address: string) =>
  (await (await fetch(`${address}/health`)).json()) as { running: number; waiting: number }

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** What the server answers to some bytes, until it closes the connection. */
async function rawAnswer(text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}
