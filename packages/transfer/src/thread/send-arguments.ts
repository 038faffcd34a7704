import { ArgumentError } from '@tfx/common'
import type { Rows } from '@tfx/data'
import type { ThrownValues } from './errors'
import { isPlain, parcel, type Released } from './parcel'
import type { Peer } from './peer'
import { elementsPerMessage, type OfferedStreams } from './streams'

/** What arguments are sent through. */
export interface Outlet {
  readonly peer: Peer
  readonly offered: OfferedStreams
  readonly thrown: ThrownValues
  /** The functions that the thread may tell things, by number. */
  readonly listeners: Map<number, (value: unknown) => void>
  /** The number of a model that is in the thread. */
  modelId(value: object): number | undefined
}

/** Arguments ready to travel. */
export interface SentArguments {
  readonly values: readonly unknown[]
  /** What a listener has thrown. */
  readonly failure: () => { readonly error: unknown } | undefined
  /** To be called when the call is over. */
  readonly release: (this: void) => void
}

let lastId = 0

/**
 * Prepares the arguments of a call to travel: signals and listeners are linked, iterables are read as the other thread asks
 * for their elements, and plain data is copied.
 *
 * @throws ArgumentError on a function that would have to run in the other thread, or a model that is not there.
 */
export function sendArguments(
  given: readonly unknown[],
  { caller, names, outlet }: { caller: string; names: readonly string[]; outlet: Outlet },
): SentArguments {
  const { peer, offered, thrown, listeners } = outlet
  const released = { signals: [], listeners: [], sources: [] } as {
    -readonly [K in keyof Released]: number[]
  }
  const cleanups: (() => void)[] = []
  let failure: { error: unknown } | undefined

  const offer = (iterable: Iterable<unknown> | AsyncIterable<unknown>) => {
    const source = offered.offer(iterable)
    cleanups.push(() => offered.release(source))
    return source
  }
  const sendSignal = (signal: AbortSignal) => {
    const id = ++lastId
    released.signals.push(id)
    if (signal.aborted) return parcel('signal', { id, aborted: thrown.send(signal.reason) })
    const abort = () => peer.tell('abort', { id, error: thrown.send(signal.reason) })
    signal.addEventListener('abort', abort)
    cleanups.push(() => signal.removeEventListener('abort', abort))
    return parcel('signal', { id })
  }
  const sendListener = (listener: (value: unknown) => void) => {
    const id = ++lastId
    released.listeners.push(id)
    listeners.set(id, (value) => {
      // One that has failed ends the work, and is told nothing more.
      if (failure) return
      try {
        listener(value)
      } catch (error) {
        failure = { error }
        peer.tell('listenerFailed', { id, error: thrown.send(error) })
      }
    })
    cleanups.push(() => listeners.delete(id))
    return parcel('listener', { id })
  }
  const send = (value: unknown, path: readonly string[]): unknown => {
    if (typeof value === 'function') {
      if (!/^on[A-Z]/.test(path.at(-1)!)) throw notPlain(caller, path)
      return sendListener(value as (value: unknown) => void)
    }
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof AbortSignal) return sendSignal(value)
    if (value instanceof URL) return value.href
    const model = outlet.modelId(value)
    if (model !== undefined) return parcel('model', { id: model, fields: {}, methods: [], streams: [] })
    if ('located' in value && 'name' in value) {
      const rows = value as Rows
      return parcel('rows', {
        name: rows.name,
        source: offer({ [Symbol.asyncIterator]: () => located(rows) }),
      })
    }
    if (Array.isArray(value)) {
      if (value.length > elementsPerMessage) return parcel('list', { source: offer(value) })
      return value as unknown[]
    }
    if (ArrayBuffer.isView(value)) return value
    if (Symbol.iterator in value || Symbol.asyncIterator in value)
      return parcel('stream', { source: offer(value as Iterable<unknown>) })
    if (!isPlain(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [name, send(field, [...path, name])]),
    )
  }
  const release = () => {
    for (const clean of cleanups) clean()
    peer.tell('release', released)
  }
  const values = given.map((value, index) => send(value, [names[index]!]))
  return { values, failure: () => failure, release }
}

const located = (rows: Rows) => rows.located()[Symbol.asyncIterator]()

function notPlain(caller: string, path: readonly string[]): ArgumentError {
  const [argument, ...fields] = path[0] === 'options' ? path.slice(1) : path
  if (argument === 'base') {
    return new ArgumentError({
      function: caller,
      argument,
      expected: 'a name, a directory, or a model that is in a thread too and not disposed of',
      received: 'another model',
      remedy: 'Save it and pass the directory.',
    })
  }
  return new ArgumentError({
    function: caller,
    argument: argument!,
    expected: 'plain data, which can go to another thread',
    received: `a function${fields.length > 0 ? ` in ${fields.join('.')}` : ''}`,
    remedy: `Pass a name, such as 'lion' for an optimizer or 'cosine' for a schedule, or call ${caller} without { thread: true }.`,
  })
}
