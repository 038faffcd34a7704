import { CheckpointError, NetworkError, throwIfAborted } from '@tfx/common'

/** What a request to the hub is about, for its errors. */
export interface HubRequest {
  id: string
  revision?: string | undefined
  tried: readonly string[]
  signal?: AbortSignal | undefined
  headers?: Record<string, string>
}

/** HF_ENDPOINT, by default the public hub. */
export function hubEndpoint(): string {
  return (process.env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '')
}

/**
 * A GET request to the hub.
 *
 * @throws CheckpointError if there is no such repository or revision.
 * @throws NetworkError if the hub cannot be reached, is switched off by HF_HUB_OFFLINE, or refuses.
 */
export async function hubRequest(path: string, request: HubRequest): Promise<Response> {
  const { signal, headers = {} } = request
  if (isOffline()) throw unreachable(request, 'HF_HUB_OFFLINE is set')
  const token = process.env.HF_TOKEN
  let response: Response
  try {
    response = await fetch(`${hubEndpoint()}${path}`, {
      headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
      signal: signal ?? null,
    })
  } catch (cause) {
    throwIfAborted(signal, 'resolveBase')
    throw unreachable(request, reasonOf(cause), cause)
  }
  if (response.ok) return response
  await response.body?.cancel()
  throw refusal(response.status, request)
}

/** The error of a hub that does not answer. */
export function unreachable({ id, tried }: HubRequest, reason: string, cause?: unknown): NetworkError {
  return new NetworkError({
    function: 'resolveBase',
    argument: 'base',
    received: `'${id}'; tried ${tried.join(', ')} and the hub at ${hubEndpoint()} (not reached: ${reason})`,
    remedy:
      'Connect to the internet and call it again, or pass a directory or an installed package: ' +
      "'@tfx/base-encoder' needs no network.",
    cause,
  })
}

function refusal(status: number, { id, revision = 'main', tried }: HubRequest): Error {
  const argument = 'base'
  const where = `the hub at ${hubEndpoint()}`
  if (status === 404) {
    return new CheckpointError({
      function: 'resolveBase',
      argument,
      expected: 'a directory, an installed npm package or a hub id',
      received: `'${id}'; tried ${tried.join(', ')} and ${where} (no such repository or revision '${revision}')`,
      remedy: 'Correct the name: hub ids read owner/name.',
    })
  }
  if (status === 401 || status === 403) {
    return new NetworkError({
      function: 'resolveBase',
      argument,
      expected: 'a public repository or one that your token may read',
      received: `'${id}'; tried ${tried.join(', ')} and ${where} (status ${status})`,
      remedy:
        'Correct the name; for a private or gated repository accept its terms on its page and set HF_TOKEN.',
    })
  }
  return new NetworkError({
    function: 'resolveBase',
    argument,
    received: `'${id}', which ${where} refused with status ${status}`,
    remedy: 'Wait a little and call it again; what was downloaded is kept.',
  })
}

function isOffline(): boolean {
  return ['1', 'true', 'yes', 'on'].includes((process.env.HF_HUB_OFFLINE ?? '').toLowerCase())
}

function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  return cause?.code ?? cause?.message ?? String(error)
}
