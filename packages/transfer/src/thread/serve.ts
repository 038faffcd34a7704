import { parentPort, workerData } from 'node:worker_threads'
import { setNativeGuard } from '@tfx/backend'
import { EngineError } from '@tfx/common'
import type { LocatedRow, Rows } from '@tfx/data'
import { learnedSoFar } from '../learned'
import { sendError, type SentError, standIn } from './errors'
import { createGate } from './gate'
import {
  type Call,
  isPlain,
  type ModelParcel,
  type Outcome,
  type Parcel,
  parcel,
  parcelKind,
  type Released,
} from './parcel'
import { createPeer, type Peer } from './peer'
import { createOfferedStreams, elementsPerMessage, type OfferedStreams, receiveStream } from './streams'

/** What a thread is started with. */
export interface ThreadData {
  readonly gate: SharedArrayBuffer
  /** The script that the process runs: bases are looked for beside it. */
  readonly script: string | undefined
}

type AnyFunction = (...values: unknown[]) => unknown

/**
 * Lets the thread that started this one call functions here, and use the models that they return.
 *
 * @param functions Those of a head: `transfer` and `load`.
 * @throws EngineError if this is no thread that `inThread` started.
 *
 * @example
 * ```ts
 * // thread.ts, which the head names: thread: new URL('./thread.js', import.meta.url)
 * serveThread({ transfer, load })
 * ```
 */
export function serveThread(
  functions: Readonly<Record<string, (...values: never[]) => Promise<unknown>>>,
): void {
  const data = workerData as ThreadData | undefined
  if (parentPort === null || !(data?.gate instanceof SharedArrayBuffer)) throw noThread()
  setNativeGuard(createGate(data.gate))
  if (data.script !== undefined) process.argv[1] = data.script
  const models = new Map<number, object>()
  const offered = createOfferedStreams()
  const received: Received = { signals: new Map(), failures: new Map() }

  async function call({ model, method, values }: Call): Promise<Outcome> {
    try {
      const owner = model === undefined ? functions : (models.get(model) ?? {})
      const given: unknown[] = []
      for (const value of values) given.push(await receiveValue(value, { peer, models, received }))
      const value = await (owner as Record<string, AnyFunction>)[method]!(...given)
      if (method === 'dispose' && model !== undefined) models.delete(model)
      return { value: sendResult(value, { models, offered }) }
    } catch (error) {
      const learned = learnedSoFar(error)
      return { error: sendError(error), ...(learned && { learned: sendModel(learned, models) }) }
    }
  }
  const peer = createPeer(parentPort, {
    handlers: {
      ...offered.handlers,
      call,
      abort: ({ id, error }: { id: number; error: SentError }) =>
        received.signals.get(id)?.abort(standIn(error)),
      listenerFailed: ({ id, error }: { id: number; error: SentError }) =>
        received.failures.set(id, standIn(error)),
      release({ signals, listeners, sources }: Released) {
        for (const id of signals) received.signals.delete(id)
        for (const id of listeners) received.failures.delete(id)
        for (const source of sources) offered.release(source)
      },
    },
    receive: standIn,
  })
}

/** What the caller has said of its signals and listeners. */
interface Received {
  readonly signals: Map<number, AbortController>
  readonly failures: Map<number, Error>
}

interface Inlet {
  readonly peer: Peer
  readonly models: ReadonlyMap<number, object>
  readonly received: Received
}

/** An argument as it was given in the caller's thread. */
async function receiveValue(value: unknown, inlet: Inlet): Promise<unknown> {
  if (parcelKind(value) !== undefined) return receiveParcel(value as Parcel, inlet)
  if (!isPlain(value)) return value
  const fields: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) fields[name] = await receiveValue(field, inlet)
  return fields
}

async function receiveParcel(value: Parcel, { peer, models, received }: Inlet): Promise<unknown> {
  switch (value['@tfx/parcel']) {
    case 'signal': {
      const controller = new AbortController()
      received.signals.set(value.id, controller)
      if (value.aborted) controller.abort(standIn(value.aborted))
      return controller.signal
    }
    case 'listener':
      return (event: unknown) => {
        const failure = received.failures.get(value.id)
        if (failure) throw failure
        peer.tell('event', { id: value.id, event })
      }
    case 'stream':
      return receiveStream(peer, value.source)
    case 'rows':
      return receiveRows(value.name, receiveStream<LocatedRow>(peer, value.source))
    case 'list':
      return collect(receiveStream(peer, value.source))
    case 'model':
      return models.get(value.id)
  }
}

function receiveRows(name: string, stream: AsyncIterable<LocatedRow>): Rows {
  return {
    name,
    located: () => stream,
    async *[Symbol.asyncIterator]() {
      for await (const { row } of stream) yield row
    },
  }
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of stream) values.push(value)
  return values
}

interface ResultOutlet {
  readonly models: Map<number, object>
  readonly offered: OfferedStreams
}

/** A result ready to travel: models stay here, streams and long lists are fetched bit by bit. */
function sendResult(value: unknown, { models, offered }: ResultOutlet): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value))
    return value.length > elementsPerMessage ? parcel('list', { source: offered.offer(value) }) : value
  if (Symbol.asyncIterator in value)
    return parcel('stream', { source: offered.offer(value as AsyncIterable<unknown>) })
  return 'dispose' in value ? sendModel(value, models) : value
}

let lastModel = 0

function sendModel(model: object, models: Map<number, object>): ModelParcel {
  const id = ++lastModel
  models.set(id, model)
  const entries = Object.entries(model)
  const methods = entries.filter(([, value]) => typeof value === 'function')
  return parcel('model', {
    id,
    fields: Object.fromEntries(entries.filter(([, value]) => typeof value !== 'function')),
    methods: methods.map(([name]) => name),
    streams: methods.flatMap(([name, value]) => (isAsyncGenerator(value) ? [name] : [])),
  })
}

const isAsyncGenerator = (value: unknown) =>
  Object.prototype.toString.call(value) === '[object AsyncGeneratorFunction]'

const noThread = () =>
  new EngineError({
    function: 'serveThread',
    received: 'called outside of a thread that transfer or load started',
    remedy: 'Name the module that calls it in the head: thread: new URL(…), and pass { thread: true }.',
  })
