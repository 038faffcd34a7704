import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error'

/**
 * The body of a request.
 *
 * @param most Bytes that it may have.
 * @throws ApiError with status 415 unless it is declared as JSON (which pages of other origins cannot do unasked), 413 if it
 *   is too large, 400 if it is malformed.
 */
export async function readJson(request: IncomingMessage, most: number): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    throw new ApiError(415, { message: 'The body must be JSON: send Content-Type: application/json.' })
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge(request, most)
  const chunks: Buffer[] = []
  let size = 0
  // Not destroyed when the loop is left: the answer takes the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) throw tooLarge(request, most)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch (cause) {
    throw new ApiError(400, { message: `The body is not JSON: ${(cause as Error).message}` })
  }
}

function tooLarge(request: IncomingMessage, most: number): ApiError {
  // Who still sends would not look at the answer: the rest is read and forgotten until the connection closes.
  request.resume()
  return new ApiError(413, {
    message: `The body has more than the ${most} bytes that are accepted.`,
    headers: { connection: 'close' },
  })
}
