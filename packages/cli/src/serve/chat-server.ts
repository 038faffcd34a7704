import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import type { ReplyCache } from '@tfx/chat'
import { NetworkError } from '@tfx/common'
import { checkHost, checkKey, corsHeaders } from './access'
import { ApiError, apiErrorOf } from './api-error'
import { complete } from './complete'
import { parseCompletionRequest } from './completion-request'
import { type ChatServerOptions, serverSettings, type ServerSettings } from './options'
import { chatPage } from './page'
import { readJson } from './read-json'
import { createSlots, type Slots } from './slots'

/** A server that answers as OpenAI's API does. */
export interface ChatServer {
  /**
   * Begins to listen.
   *
   * @param place Default: 127.0.0.1, so that only this machine can ask, and port 8000; port 0 takes a free one.
   * @returns Its address, such as `http://127.0.0.1:8000`.
   * @throws NetworkError if it cannot listen there.
   */
  listen(place?: { readonly host?: string; readonly port?: number }): Promise<string>
  /**
   * Stops: new requests are refused, replies under way have time to end, then they are broken off.
   *
   * @param grace Milliseconds. Default 5000.
   */
  close(grace?: number): Promise<void>
}

/**
 * Makes a server with `POST /v1/chat/completions`, `GET /v1/models`, `GET /health`, and a page to talk on at `/`.
 *
 * @throws ArgumentError on a number that cannot be.
 *
 * @example
 * ```ts
 * const model = await load('./my-model', { thread: true })
 * const server = createChatServer({ model, name: 'my-model' })
 * console.log(await server.listen({ port: 8000 }))
 * ```
 */
export function createChatServer(options: ChatServerOptions): ChatServer {
  const settings = serverSettings(options)
  const { timeout, maxConcurrency, maxQueue } = settings
  const state: ServerState = {
    settings,
    created: Math.floor(Date.now() / 1000),
    cache: openCache(settings),
    slots: createSlots({ running: maxConcurrency, waiting: maxQueue }),
    waiting: new Set(),
    writing: new Set(),
    isClosing: false,
  }
  const replies = new Set<Promise<void>>()
  const within = async (milliseconds: number) => {
    const patience = new AbortController()
    const enough = setTimeout(milliseconds, undefined, { signal: patience.signal }).catch(() => undefined)
    await Promise.race([Promise.all(replies), enough])
    patience.abort()
  }
  const server = createServer(
    {
      requestTimeout: timeout,
      headersTimeout: timeout,
      connectionsCheckingInterval: Math.min(timeout, 1000),
    },
    (request, response) => {
      const reply = answer(state, { request, response }).finally(() => replies.delete(reply))
      replies.add(reply)
    },
  )
  server.on('clientError', refuseConnection)
  return {
    async listen({ host = '127.0.0.1', port = 8000 } = {}) {
      server.listen(port, host)
      await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
        throw cannotListen(error, { host, port })
      })
      const { address, port: actual } = server.address() as AddressInfo
      return `http://${address.includes(':') ? `[${address}]` : address}:${actual}`
    },
    async close(grace = 5000) {
      state.isClosing = true
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      for (const controller of state.waiting) controller.abort(shuttingDown())
      await within(grace)
      for (const controller of state.writing) controller.abort(shuttingDown())
      // Those who are told so now have a moment to read it.
      await within(1000)
      server.closeAllConnections()
      await closed
      await (await state.cache())?.dispose()
    },
  }
}

interface ServerState {
  readonly settings: ServerSettings
  /** When the model was there, in seconds since 1970. */
  readonly created: number
  /** What replies know dialogues from. */
  readonly cache: () => Promise<ReplyCache | undefined>
  readonly slots: Slots
  /** What ends the requests that have no slot yet, and the replies under way. */
  readonly waiting: Set<AbortController>
  readonly writing: Set<AbortController>
  /** Whether new replies are refused. */
  isClosing: boolean
}

/** A cache that is opened when it is first needed. */
function openCache({ model, cache: texts }: ServerSettings): () => Promise<ReplyCache | undefined> {
  let opened: Promise<ReplyCache | undefined> | undefined
  return () => (opened ??= Promise.resolve(texts > 0 ? model.openCache?.({ texts }) : undefined))
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Answers a request, whatever happens. */
async function answer(state: ServerState, exchange: Exchange): Promise<void> {
  const { settings } = state
  const { request, response } = exchange
  const started = performance.now()
  const sent = finished(response).catch(() => undefined)
  const path = (request.url ?? '/').replace(/\?.*$/s, '')
  let status: number | undefined
  try {
    checkHost(request, settings.allowedHosts)
    for (const [name, value] of Object.entries(corsHeaders(request, settings.cors)))
      response.setHeader(name, value)
    await route(path, state, exchange)
  } catch (error) {
    const refusal = apiErrorOf(error)
    const isGone = response.destroyed || request.socket.destroyed
    status = isGone ? 499 : refusal.status
    if (status >= 500 && !(error instanceof ApiError)) settings.onError(error)
    if (!isGone && !response.headersSent) {
      for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value)
      sendJson(response, refusal.body, refusal.status)
    }
  }
  const { method = '' } = request
  const milliseconds = performance.now() - started
  settings.onRequest({ method, path, status: status ?? response.statusCode, milliseconds })
  await sent
}

async function route(path: string, state: ServerState, exchange: Exchange): Promise<void> {
  const { settings, slots, isClosing, created } = state
  const { request, response } = exchange
  const { key, cors } = settings
  if (request.method === 'OPTIONS' && cors !== undefined) return void response.writeHead(204).end()
  if (path === '/v1/chat/completions') {
    allow(exchange, 'POST')
    checkKey(request, key)
    return answerChat(state, exchange)
  }
  allow(exchange, 'GET')
  if (path === '/') return sendPage(response)
  if (path === '/health') {
    const { running, waiting } = slots
    const status = isClosing ? 'stopping' : 'ok'
    return sendJson(response, { status, running, waiting }, isClosing ? 503 : 200)
  }
  checkKey(request, key)
  const described = (id: string) => ({ id, object: 'model', created, owned_by: 'tfx' })
  if (path === '/v1/models')
    return sendJson(response, { object: 'list', data: namesOf(settings).map(described) })
  if (path.startsWith('/v1/models/')) {
    const asked = decodeName(path.slice('/v1/models/'.length))
    checkModel(asked, settings)
    return sendJson(response, described(asked))
  }
  throw new ApiError(404, { message: `There is nothing at ${path}.`, code: 'not_found' })
}

async function answerChat(state: ServerState, { request, response }: Exchange): Promise<void> {
  const { settings, slots, waiting, writing } = state
  const { model, name, timeout, maxBodySize } = settings
  const asked = parseCompletionRequest(await readJson(request, maxBodySize))
  checkModel(asked.model, settings)
  if (state.isClosing) throw shuttingDown()
  const controller = new AbortController()
  const { signal } = controller
  response.once('close', () => controller.abort(new ApiError(499, { message: 'The client went away.' })))
  waiting.add(controller)
  let leave: (() => void) | undefined
  try {
    leave = await slots.enter(signal)
    waiting.delete(controller)
    writing.add(controller)
    await checkLength(state, asked.messages)
    const adapter = asked.model === name ? undefined : asked.model
    await complete(response, { model, adapter, request: asked, signal, timeout, cache: await state.cache() })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    leave?.()
    waiting.delete(controller)
    writing.delete(controller)
  }
}

/** @throws ApiError with status 400 if the messages leave no room for a reply. */
async function checkLength(
  { settings: { model } }: ServerState,
  messages: Parameters<typeof model.chat>[0],
): Promise<void> {
  const tokens = await model.countTokens(messages)
  if (tokens < model.contextLength) return
  throw new ApiError(400, {
    message: `The messages have ${tokens} tokens, and the model's context only ${model.contextLength}. Shorten them.`,
    param: 'messages',
    code: 'context_length_exceeded',
  })
}

/** What clients can ask for: the model, and it with one of its adapters. */
const namesOf = ({ name, adapters }: ServerSettings): string[] => [name, ...adapters]

/** @throws ApiError with status 404 */
function checkModel(asked: string, settings: ServerSettings): void {
  const names = namesOf(settings)
  if (names.includes(asked)) return
  const listed = names.map((name) => `'${name}'`).join(', ')
  throw new ApiError(404, {
    message: `There is no model '${asked}' here, but ${listed}.`,
    param: 'model',
    code: 'model_not_found',
  })
}

function allow({ request, response }: Exchange, method: 'GET' | 'POST'): void {
  if (request.method === method || (request.method === 'HEAD' && method === 'GET')) return
  response.setHeader('allow', method)
  throw new ApiError(405, { message: `Use ${method} here.`, code: 'method_not_allowed' })
}

function sendJson(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function sendPage(response: ServerResponse): void {
  const { markup, policy } = chatPage
  response
    .writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    .end(markup)
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Answers what is no request: too slow, too large or malformed. */
function refuseConnection({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return
  const known: Readonly<Record<string, readonly [number, string, string]>> = {
    ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not come in time.'],
    HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'The headers are too large.'],
  }
  const [status, title, message] = known[code ?? ''] ?? [400, 'Bad Request', 'The request is malformed.']
  const body = JSON.stringify(new ApiError(status, { message }).body)
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
}

function cannotListen(
  cause: NodeJS.ErrnoException,
  { host, port }: { readonly host: string; readonly port: number },
): NetworkError {
  return new NetworkError({
    function: 'listen',
    expected: 'an address of this machine with a free port',
    received: `${host}, port ${port} (${cause.code})`,
    remedy:
      cause.code === 'EADDRINUSE' ? 'Choose another port; 0 takes a free one.' : 'Choose another address.',
    cause,
  })
}

const shuttingDown = () =>
  new ApiError(503, { message: 'The server is shutting down.', code: 'shutting_down' })
