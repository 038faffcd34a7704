import { isTfxError } from '@tfx/common'

/** The body of an error as OpenAI's API has it. */
export interface ApiErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
}

interface ApiErrorDetails {
  readonly message: string
  /** The field of the request that is wrong. */
  readonly param?: string | undefined
  /** What clients tell errors of one status apart by. */
  readonly code?: string
  /** Headers to send with it. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that is refused, with what the client is told. */
export class ApiError extends Error {
  readonly body: ApiErrorBody
  readonly headers: Readonly<Record<string, string>>

  constructor(
    readonly status: number,
    { message, param, code, headers = {} }: ApiErrorDetails,
  ) {
    super(message)
    this.name = 'ApiError'
    this.headers = headers
    this.body = { error: { message, type: typeOf(status), param: param ?? null, code: code ?? null } }
  }
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** What a client is told of anything that was thrown: of its own mistakes everything, of ours nothing but that. */
export function apiErrorOf(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  if (isTfxError(thrown) && thrown.code === 'ERR_TFX_ARGUMENT')
    return new ApiError(400, { message: thrown.message, param: thrown.argument })
  return new ApiError(500, { message: 'The server failed while it worked on the request; its log says why.' })
}
