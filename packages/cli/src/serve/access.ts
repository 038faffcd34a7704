import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error'

/** @throws ApiError with status 401 unless the request has the key; how long that takes says nothing of the key. */
export function checkKey({ headers }: IncomingMessage, key: string | undefined): void {
  if (key === undefined) return
  const given = /^Bearer (.*)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
  if (timingSafeEqual(digest(given), digest(key))) return
  throw new ApiError(401, {
    message: 'The key is wrong or missing: send it as Authorization: Bearer.',
    code: 'invalid_api_key',
    headers: { 'www-authenticate': 'Bearer' },
  })
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether an address is of this machine alone. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)

/**
 * A page of the web whose name leads to this machine (DNS rebinding) could talk to a server on loopback as if it were its
 * own: such a server answers to its own names only.
 *
 * @param allowed Other names that it answers to.
 * @throws ApiError with status 403 if it was called by another name.
 */
export function checkHost({ headers, socket }: IncomingMessage, allowed: readonly string[]): void {
  if (!isLoopback((socket.localAddress ?? '').replace(/^::ffff:/, ''))) return
  const name = (headers.host ?? '').replace(/:\d+$/, '')
  if (name === '[::1]' || isLoopback(name) || allowed.includes(name)) return
  throw new ApiError(403, { message: `This server does not answer to the name '${name}'.` })
}

/** The headers that let pages of another origin read answers; none unless `cors` names it, or any by `*`. */
export function corsHeaders(
  { headers }: IncomingMessage,
  cors: string | undefined,
): Readonly<Record<string, string>> {
  const { origin } = headers
  if (cors === undefined || origin === undefined || (cors !== '*' && cors !== origin)) return {}
  return {
    'access-control-allow-origin': cors,
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-allow-methods': 'GET, POST',
    vary: 'origin',
  }
}
