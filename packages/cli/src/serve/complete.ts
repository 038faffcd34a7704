import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ChatModel, ReplyCache, WrittenText } from '@tfx/chat'
import { ApiError, apiErrorOf } from './api-error'
import { createCompletionEvents } from './completion-events'
import type { CompletionRequest } from './completion-request'

/** A reply that is to be written. */
export interface Completion {
  readonly model: ChatModel
  /** The name of the adapter that it answers with. */
  readonly adapter: string | undefined
  readonly request: CompletionRequest
  /** Fires when nobody waits for it any more, or the server stops. */
  readonly signal: AbortSignal
  /** Milliseconds in which the client must take what it is sent. */
  readonly timeout: number
  /** What the dialogue may be known from. */
  readonly cache: ReplyCache | undefined
}

/**
 * Writes a reply: at once when it is whole, or as it comes.
 *
 * @throws Whatever goes wrong before the first byte is sent; later errors go down the stream.
 */
export async function complete(
  response: ServerResponse,
  { model, adapter, request, signal, timeout, cache }: Completion,
): Promise<void> {
  const events = createCompletionEvents(request.model)
  const ends: WrittenText[] = []
  const onEnd = (end: WrittenText) => void ends.push(end)
  const pieces = model.chat(request.messages, { ...request.options, adapter, signal, cache, onEnd })
  if (!request.stream) {
    let content = ''
    for await (const piece of pieces) content += piece
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(events.whole(content, ends[0]!)))
    return
  }
  const send = async (data: string) => {
    signal.throwIfAborted()
    if (!response.write(`data: ${data}\n\n`)) await drained(response, { signal, timeout })
  }
  // The first piece is awaited before anything is sent: until then a refusal is a proper answer.
  let next = await pieces.next()
  response.setHeader('content-type', 'text/event-stream')
  response.setHeader('cache-control', 'no-store')
  try {
    await send(JSON.stringify(events.first()))
    for (; next.done !== true; next = await pieces.next())
      await send(JSON.stringify(events.piece(next.value)))
    await send(JSON.stringify(events.last(ends[0]!)))
    if (request.includeUsage) await send(JSON.stringify(events.usage(ends[0]!)))
    response.end('data: [DONE]\n\n')
  } catch (error) {
    response.end(`data: ${JSON.stringify(apiErrorOf(signal.aborted ? signal.reason : error).body)}\n\n`)
    throw error
  } finally {
    await pieces.return()
  }
}

/** @throws ApiError if the client does not take what it was sent in time. */
async function drained(
  response: ServerResponse,
  { signal, timeout }: Pick<Completion, 'signal' | 'timeout'>,
): Promise<void> {
  const late = AbortSignal.timeout(timeout)
  try {
    await once(response, 'drain', { signal: AbortSignal.any([signal, late]) })
  } catch (error) {
    if (!late.aborted) throw error
    response.destroy()
    throw new ApiError(408, { message: 'The client does not read what it is sent.' })
  }
}
