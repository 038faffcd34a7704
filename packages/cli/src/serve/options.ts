import type { ChatModel } from '@tfx/chat'
import { ArgumentError } from '@tfx/common'

/** Options of `createChatServer`. */
export interface ChatServerOptions {
  /** What answers; it should be in a thread, so that the event loop stays free. It is not disposed of. */
  readonly model: ChatModel
  /** What clients call the model. Default: its source. */
  readonly name?: string
  /** Names of adapters that the model was loaded with: clients ask for them as for other models. Default: none. */
  readonly adapters?: readonly string[]
  /** Clients must send it as `Authorization: Bearer …`. Default: anybody may ask. */
  readonly key?: string
  /** Replies written at a time, in steps of a token each. Default 16. */
  readonly maxConcurrency?: number
  /** Requests that may wait for their turn; more get 429. Default 64. */
  readonly maxQueue?: number
  /**
   * Dialogues whose keys and values are kept between requests: a request that sends one of them back with a new question reads
   * the question alone. 0 keeps none. Default 4.
   */
  readonly cache?: number
  /** The most bytes of a request's body; larger ones get 413. Default 1 MiB. */
  readonly maxBodySize?: number
  /** Milliseconds in which a request must have come, and in which a client must read what it was sent. Default 30 000. */
  readonly timeout?: number
  /** The origin whose pages may use the server, or `*` for any. Default: only its own. */
  readonly cors?: string
  /** Names that a server on loopback answers to beside its own; for a proxy in front of it that passes its name on. */
  readonly allowedHosts?: readonly string[]
  /** Told of every request that was answered. */
  readonly onRequest?: (request: AnsweredRequest) => void
  /** Told of every error that is the server's own; clients are not told what it was. */
  readonly onError?: (error: unknown) => void
}

/** A request that was answered, or given up. */
export interface AnsweredRequest {
  readonly method: string
  readonly path: string
  /** 499 if the client went away first. */
  readonly status: number
  readonly milliseconds: number
}

/** {@link ChatServerOptions} with every default. */
export interface ServerSettings extends Required<Omit<ChatServerOptions, 'key' | 'cors'>> {
  readonly key: string | undefined
  readonly cors: string | undefined
}

/** @throws ArgumentError on a number that cannot be. */
export function serverSettings(options: ChatServerOptions): ServerSettings {
  const { key, cors, ...others } = options
  const settings: ServerSettings = {
    name: options.model.source,
    adapters: [],
    maxConcurrency: 16,
    maxQueue: 64,
    cache: 4,
    maxBodySize: 2 ** 20,
    timeout: 30_000,
    allowedHosts: [],
    onRequest: () => {},
    onError: () => {},
    ...others,
    key,
    cors,
  }
  const lowest = { maxConcurrency: 1, maxQueue: 0, cache: 0, maxBodySize: 1, timeout: 1 }
  for (const [name, minimum] of Object.entries(lowest)) {
    const value = settings[name as keyof typeof lowest]
    if (!Number.isSafeInteger(value) || value < minimum)
      throw wrong(name, `a whole number of at least ${minimum}`, String(value))
  }
  if (settings.adapters.includes(settings.name))
    throw wrong('adapters', 'names other than that of the model', `'${settings.name}'`)
  if (key === '') throw wrong('key', 'a text that is not empty', 'an empty one')
  return settings
}

const wrong = (argument: string, expected: string, received: string) =>
  new ArgumentError({
    function: 'createChatServer',
    argument,
    expected,
    received,
    remedy: 'Leave it out for the default.',
  })
