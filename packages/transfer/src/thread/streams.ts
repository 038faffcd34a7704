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
  const sources = new Map<number, OfferedSource>()
  let lastSource = 0
  return {
    offer(iterable) {
      sources.set(++lastSource, { iterable, iterations: new Map() })
      return lastSource
    },
    release(number) {
      const source = sources.get(number)
      sources.delete(number)
      // One that is waiting ends after that: nobody is left to wait for it.
      for (const iteration of source?.iterations.values() ?? []) iteration.end().catch(() => undefined)
    },
    handlers: {
      async next(place) {
        const source = sources.get(place.source)
        if (source === undefined) return { values: [], done: true }
        const iteration = source.iterations.get(place.iteration) ?? iterate(source.iterable)
        source.iterations.set(place.iteration, iteration)
        const portion = await iteration.next()
        if (portion.done) source.iterations.delete(place.iteration)
        return portion
      },
      async end(place) {
        const iterations = sources.get(place.source)?.iterations
        const iteration = iterations?.get(place.iteration)
        iterations?.delete(place.iteration)
        await iteration?.end()
      },
    },
  }
}

interface OfferedSource {
  readonly iterable: Iterable<unknown> | AsyncIterable<unknown>
  /** Those under way, by number. */
  readonly iterations: Map<number, Iteration>
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
