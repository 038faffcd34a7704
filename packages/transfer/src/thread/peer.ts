import { sendError, type SentError } from './errors'

/** The end of a channel between two threads that ask each other. */
export interface Peer {
  /** Asks for something; rejects with what was thrown there, or with what the channel was closed with. */
  ask(name: string, value: unknown): Promise<unknown>
  /** Says something, in order with everything else, and waits for nothing. */
  tell(name: string, value: unknown): void
  /** Rejects all that is still asked, and all that will be. */
  close(reason: Error): void
}

/** Where messages go; a MessagePort or a Worker. */
export interface Port {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: Message) => void): unknown
}

type Message =
  | { readonly type: 'ask'; readonly id: number; readonly name: string; readonly value: unknown }
  | { readonly type: 'tell'; readonly name: string; readonly value: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: SentError }

/** What a peer is made of. */
export interface PeerOptions {
  /** What the other side may ask for or say, by name. */
  readonly handlers: Readonly<Record<string, (value: never) => unknown>>
  /** Prepares what a handler throws to travel. Default: a copy of it. */
  readonly send?: (thrown: unknown) => SentError
  /** Makes an error of what the other side threw. */
  readonly receive: (error: SentError) => unknown
  /** Told how many answers are awaited, whenever that changes. */
  readonly onWaiting?: (count: number) => void
}

/** Opens one end. */
export function createPeer(
  port: Port,
  { handlers, send = sendError, receive, onWaiting }: PeerOptions,
): Peer {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>()
  let [lastId, closed] = [0, undefined as Error | undefined]
  const handle = (name: string, value: unknown) => handlers[name]?.(value as never)
  const settle = (id: number) => {
    const request = waiting.get(id)
    waiting.delete(id)
    onWaiting?.(waiting.size)
    return request
  }
  const answer = async (id: number, { name, value }: { name: string; value: unknown }) => {
    try {
      port.postMessage({ type: 'answer', id, value: await handle(name, value) })
    } catch (error) {
      port.postMessage({ type: 'failure', id, error: send(error) })
    }
  }
  port.on('message', (message) => {
    if (message.type === 'ask') void answer(message.id, message)
    else if (message.type === 'tell') void handle(message.name, message.value)
    else if (message.type === 'answer') settle(message.id)?.resolve(message.value)
    else settle(message.id)?.reject(receive(message.error))
  })
  return {
    async ask(name, value) {
      if (closed) throw closed
      const id = ++lastId
      port.postMessage({ type: 'ask', id, name, value })
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        onWaiting?.(waiting.size)
      })
    },
    tell(name, value) {
      if (!closed) port.postMessage({ type: 'tell', name, value })
    },
    close(reason) {
      closed = reason
      for (const id of [...waiting.keys()]) settle(id)?.reject(reason)
    },
  }
}
