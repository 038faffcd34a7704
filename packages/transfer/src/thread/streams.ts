import { setTimeout } from 'node:timers/promises'
import type { Peer } from './peer'

/** So many elements travel in one message at most, so that neither thread is busy with it for long. */
export const elementsPerMessage = 256

/** A message does not wait longer than this for more elements of a slow source. */
const patienceMilliseconds = 10

/** Elements that travelled together. */
interface Portion {
  readonly values: readonly unknown[]
  readonly done: boolean
}

/** Which iteration of which source. */
interface Place {
  readonly source: number
  readonly iteration: number
}

/** The iterables that this thread lets the other iterate over. */
export interface OfferedStreams {
  /** Offers an iterable; returns its number. */
  offer(iterable: Iterable<unknown> | AsyncIterable<unknown>): number
  /** Takes an offer back. */
  release(source: number): void
  readonly handlers: {
    readonly next: (place: Place) => Promise<Portion>
    readonly end: (place: Place) => Promise<void>
  }
}

export function createOfferedStreams(): OfferedStreams {
  const sources = new Map<number, Iterable<unknown> | AsyncIterable<unknown>>()
  const iterations = new Map<string, Iteration>()
  const keyOf = ({ source, iteration }: Place) => `${source}:${iteration}`
  let lastSource = 0
  return {
    offer(iterable) {
      sources.set(++lastSource, iterable)
      return lastSource
    },
    release: (source) => void sources.delete(source),
    handlers: {
      async next(place) {
        const key = keyOf(place)
        const source = sources.get(place.source)
        if (source === undefined) return { values: [], done: true }
        const iteration = iterations.get(key) ?? iterate(source)
        iterations.set(key, iteration)
        const portion = await iteration.next()
        if (portion.done) iterations.delete(key)
        return portion
      },
      async end(place) {
        const iteration = iterations.get(keyOf(place))
        iterations.delete(keyOf(place))
        await iteration?.end()
      },
    },
  }
}

interface Iteration {
  next(): Promise<Portion>
  end(): Promise<void>
}

/** Waits for one element, and takes along what comes soon after it. */
function iterate(source: Iterable<unknown> | AsyncIterable<unknown>): Iteration {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let pending: Promise<IteratorResult<unknown>> | undefined
  const take = () => (pending ??= (async () => iterator.next())())
  return {
    async next() {
      const values: unknown[] = []
      const late = patience()
      try {
        while (values.length < elementsPerMessage) {
          const result = await (values.length === 0 ? take() : Promise.race([take(), late.passed]))
          if (result === undefined) break
          pending = undefined
          if (result.done === true) return { values, done: true }
          values.push(result.value)
        }
      } catch (error) {
        // What came before it goes first: the failure stays pending, for the next time.
        if (values.length === 0) throw error
      } finally {
        late.stop()
        pending?.catch(() => undefined)
      }
      return { values, done: false }
    },
    async end() {
      await iterator.return?.()
    },
  }
}

function patience(): { passed: Promise<undefined>; stop(this: void): void } {
  const controller = new AbortController()
  const { signal } = controller
  const passed = setTimeout(patienceMilliseconds, undefined, { signal }).catch(() => undefined)
  return { passed, stop: () => controller.abort() }
}

let lastIteration = 0

/** An iterable that the other thread offers; each iteration over it is a new one there. */
export function receiveStream<T>(peer: Peer, source: number): AsyncIterable<T> {
  return {
    async *[Symbol.asyncIterator]() {
      const place = { source, iteration: ++lastIteration }
      let done = false
      try {
        while (!done) {
          const portion = (await peer.ask('next', place)) as Portion
          done = portion.done
          yield* portion.values as T[]
        }
      } finally {
        if (!done) await peer.ask('end', place)
      }
    },
  }
}
