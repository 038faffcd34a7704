import { Worker } from 'node:worker_threads'
import { DataError, EngineError } from '@tfx/common'
import { attachLearned } from '../learned'
import { createThrownValues, receiveError } from './errors'
import { createGate, type Gate } from './gate'
import { type Call, type ModelParcel, type Outcome, type Parcel, parcelKind } from './parcel'
import { createPeer } from './peer'
import { type Outlet, sendArguments } from './send-arguments'
import type { ThreadData } from './serve'
import { createOfferedStreams, receiveStream } from './streams'

/** A call into a thread, as its caller sees it. */
export interface ThreadCall {
  /** The function to call there, or the method of a model. */
  readonly method: string
  readonly model?: number
  readonly values: readonly unknown[]
  /** What the values are called, for errors. */
  readonly names: readonly string[]
}

/** A thread at work. It ends by itself when no call is under way and none of its models is left. */
interface Thread {
  readonly address: string
  /** Whether it has ended, for whatever reason. */
  readonly isOver: boolean
  call(call: ThreadCall): Promise<unknown>
  /** A call of an async generator. */
  stream(call: ThreadCall): AsyncGenerator
  /** Counts one more, or one less, that needs the thread; the promise is for its end if that is due. */
  hold(): void
  release(): Promise<void>
}

// The model in a thread that an object stands for.
const remoteModels = new WeakMap<object, { readonly thread: Thread; readonly id: number }>()

/** A model that nobody can use any more gives its memory back. */
const abandoned = new FinalizationRegistry<{ readonly thread: Thread; readonly id: number }>((model) => {
  void disposeOf(model).catch(() => undefined)
})

// The process must not end while one of them is inside native code: onnxruntime-node would abort it.
const openGates = new Set<Gate>()

function closeGates(): void {
  for (const gate of openGates) gate.close()
}

/**
 * Calls a function in a thread of its own, or in that of a model among its arguments. A model that it returns stays there,
 * and is used through an object with the same fields and methods.
 *
 * @param address The module that the thread runs, which calls {@link serveThread}.
 * @throws Whatever the function throws, as an error of the same class; ArgumentError on what cannot go to a thread;
 *   EngineError if the thread ends before its answer.
 */
export async function inThread(address: URL, call: ThreadCall): Promise<unknown> {
  const thread =
    call.values.map((value) => threadOf(value, address)).find(Boolean) ?? openThread(address.href)
  return thread.call(call)
}

function threadOf(value: unknown, { href }: URL): Thread | undefined {
  const thread = typeof value === 'object' && value !== null ? remoteModels.get(value)?.thread : undefined
  return thread?.address === href ? thread : undefined
}

function openThread(address: string): Thread {
  const gate = createGate()
  const workerData: ThreadData = { gate: gate.memory, script: process.argv[1] }
  // Not by its address: a process started by `node --input-type=module -e` hands that on to threads, which then take no file.
  const worker = new Worker(`import(${JSON.stringify(address)})`, { eval: true, workerData, name: 'tfx' })
  worker.unref()
  if (openGates.size === 0) process.once('exit', closeGates)
  openGates.add(gate)

  const thrown = createThrownValues()
  const offered = createOfferedStreams()
  const listeners: Outlet['listeners'] = new Map()
  let [users, isOver] = [0, false]
  const peer = createPeer(worker, {
    handlers: {
      ...offered.handlers,
      event: ({ id, event }: { id: number; event: unknown }) => listeners.get(id)?.(event),
    },
    send: (error) => thrown.send(isCloneFailure(error) ? notCloneable(error, 'transfer') : error),
    receive: (error) => receiveError(error, thrown),
    // What waits for an answer keeps the process alive; a model alone does not.
    onWaiting: (count) => (count > 0 ? worker.ref() : worker.unref()),
  })
  const over = (reason: string, cause?: unknown) => {
    if (isOver) return
    isOver = true
    openGates.delete(gate)
    if (openGates.size === 0) process.off('exit', closeGates)
    peer.close(ended(reason, cause))
  }
  worker.on('error', (error) => over(error.message, error))
  worker.on('exit', (code) => over(`exit code ${code}`))

  const outlet: Outlet = {
    peer,
    offered,
    thrown,
    listeners,
    modelId(value) {
      const model = remoteModels.get(value)
      return model?.thread === thread ? model.id : undefined
    },
  }
  const ask = async ({ model, method }: ThreadCall, values: readonly unknown[]) => {
    const call: Call = { method, values, ...(model !== undefined && { model }) }
    const outcome = (await peer.ask('call', call).catch((error: unknown) => {
      throw isCloneFailure(error) ? notCloneable(error, method) : error
    })) as Outcome
    if ('value' in outcome) return outcome.value
    const error = receiveError(outcome.error, thrown)
    throw outcome.learned ? attachLearned(error, remoteModel(thread, outcome.learned)) : error
  }
  const releaseSource = (source: number) =>
    peer.tell('release', { signals: [], listeners: [], sources: [source] })
  const receiveResult = async (value: unknown) => {
    const kind = parcelKind(value)
    if (kind === 'model') return remoteModel(thread, value as ModelParcel)
    if (kind !== 'list') return value
    const list: unknown[] = []
    for await (const element of receiveStream(peer, sourceOf(value))) list.push(element)
    releaseSource(sourceOf(value))
    return list
  }
  const thread: Thread = {
    address,
    async call(call) {
      thread.hold()
      try {
        const sent = sendArguments(call.values, { caller: call.method, names: call.names, outlet })
        try {
          const result = await receiveResult(await ask(call, sent.values))
          const failure = sent.failure()
          if (failure) throw attachLearned(failure.error, result)
          return result
        } finally {
          sent.release()
        }
      } finally {
        await thread.release()
      }
    },
    async *stream(call) {
      thread.hold()
      try {
        const sent = sendArguments(call.values, { caller: call.method, names: call.names, outlet })
        try {
          const source = sourceOf(await ask(call, sent.values))
          try {
            yield* receiveStream(peer, source)
          } finally {
            releaseSource(source)
          }
        } finally {
          sent.release()
        }
      } finally {
        await thread.release()
      }
    },
    get isOver() {
      return isOver
    },
    hold() {
      users++
    },
    async release() {
      if (--users > 0 || isOver) return
      // Nothing is under way: the gate is free.
      gate.close()
      await worker.terminate()
    },
  }
  return thread
}

const sourceOf = (value: unknown) => (value as Extract<Parcel, { source: number }>).source

/** An object with the fields and methods of a model in a thread. */
function remoteModel(thread: Thread, { id, fields, methods, streams }: ModelParcel): object {
  thread.hold()
  let disposed: Promise<void> | undefined
  // What its methods gave is of no use without it.
  const parts = new Set<WeakRef<{ dispose(): Promise<void> }>>()
  const callOf = (method: string, values: readonly unknown[]): ThreadCall => {
    if (disposed) throw disposedModel(method)
    return { model: id, method, values, names: ['input', 'options'] }
  }
  const methodOf = (method: string) => {
    if (streams.includes(method))
      return async function* (...values: unknown[]) {
        yield* thread.stream(callOf(method, values))
      }
    return async (...values: unknown[]) => {
      const result = await thread.call(callOf(method, values))
      if (isRemote(result)) {
        for (const part of parts) if (part.deref() === undefined) parts.delete(part)
        parts.add(new WeakRef(result))
      }
      return result
    }
  }
  const model = {
    ...fields,
    ...Object.fromEntries(methods.map((method) => [method, methodOf(method)])),
    async dispose() {
      abandoned.unregister(model)
      remoteModels.delete(model)
      disposed ??= (async () => {
        for (const part of parts) await part.deref()?.dispose()
        await disposeOf({ thread, id })
      })()
      await disposed
    },
  }
  remoteModels.set(model, { thread, id })
  abandoned.register(model, { thread, id }, model)
  return model
}

const isRemote = (value: unknown): value is { dispose(): Promise<void> } =>
  typeof value === 'object' && value !== null && remoteModels.has(value)

async function disposeOf({ thread, id }: { thread: Thread; id: number }): Promise<void> {
  try {
    // What a thread held ended with it.
    if (!thread.isOver) await thread.call({ model: id, method: 'dispose', values: [], names: [] })
  } finally {
    await thread.release()
  }
}

const isCloneFailure = (error: unknown) => error instanceof DOMException && error.name === 'DataCloneError'

const notCloneable = (cause: unknown, caller: string) =>
  new DataError({
    function: caller,
    argument: 'data',
    expected: 'made of plain data, which can go to another thread',
    received: cause instanceof Error ? cause.message : String(cause),
    remedy: 'Pass objects of strings, numbers and booleans, or the path of a file.',
    cause,
  })

const ended = (reason: string, cause: unknown) =>
  new EngineError({
    function: 'thread',
    received: `ended (${reason})`,
    remedy: 'Train or load the model again; if memory ran out, with a smaller batchSize or maxLength.',
    cause,
  })

const disposedModel = (method: string) =>
  new EngineError({
    function: method,
    argument: 'model',
    expected: 'one that is not disposed of',
    received: 'one that was',
    remedy: 'Load it again.',
  })
