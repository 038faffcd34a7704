import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error'

/**
 * The body of a request.
 *
 * @param mostBytes Bytes that it may have.
 * @throws ApiError with status 415 unless it is declared as JSON (which pages of other origins cannot do unasked), 413 if it
 *   is too large, 400 if it is malformed or nested too deeply.
 */
export async function readJson(request: IncomingMessage, mostBytes: number): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    throw new ApiError(415, { message: 'The body must be JSON: send Content-Type: application/json.' })
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) throw tooLarge(request, mostBytes)
  const chunks: Buffer[] = []
  let size = 0
  // Not destroyed when the loop is left: the answer takes the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) throw tooLarge(request, mostBytes)
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  checkNesting(bytes)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ApiError(400, { message: `The body is not JSON: ${(cause as Error).message}` })
  }
}

/** Lists and objects that a body may have in one another, and in all. */
const most = { depth: 100, count: 50_000 }

const [quote, backslash] = [...Buffer.from('"\\')]
const [opening, closing] = [new Set(Buffer.from('[{')), new Set(Buffer.from(']}'))]

/**
 * JSON.parse takes so long for what is nested deeply that nobody else would be answered.
 *
 * @throws ApiError with status 400
 */
function checkNesting(bytes: Uint8Array): void {
  let [depth, count, isText] = [0, 0, false]
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]!
    if (byte === quote) isText = !isText
    else if (isText) {
      if (byte === backslash) index++
    } else if (opening.has(byte)) {
      depth++
      count++
      if (depth > most.depth || count > most.count)
        throw new ApiError(400, {
          message: `The body has more than ${most.depth} lists and objects in one another, or ${most.count} in all.`,
        })
    } else if (closing.has(byte)) depth--
  }
}

function tooLarge(request: IncomingMessage, mostBytes: number): ApiError {
  // Who still sends would not look at the answer: the rest is read and forgotten until the connection closes.
  request.resume()
  return new ApiError(413, {
    message: `The body has more than the ${mostBytes} bytes that are accepted.`,
    headers: { connection: 'close' },
  })
}
