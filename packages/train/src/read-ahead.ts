/** Reads an iterable one element ahead of its consumer. */
export interface ReadAhead<T> {
  /** Starts to fetch the next element, unless one is already on its way. */
  request(): void
  /** The next element, or undefined after the last. */
  take(): Promise<T | undefined>
  /** Tells the source that no more is wanted, so that it can close what it has open. */
  close(): Promise<void>
}

/** Wraps any iterable. An error of the source comes out of `take`. */
export function readAhead<T>(source: Iterable<T> | AsyncIterable<T>): ReadAhead<T> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let pending: Promise<IteratorResult<T>> | undefined
  const next = async () => iterator.next()
  const request = () => {
    if (pending !== undefined) return
    pending = next()
    // It may fail before anybody waits for it; whoever takes it sees the error.
    pending.catch(() => undefined)
  }
  return {
    request,
    async take() {
      request()
      const result = await pending
      // The end stays pending, so that the source is not asked again.
      if (result === undefined || result.done === true) return undefined
      pending = undefined
      return result.value
    },
    async close() {
      await iterator.return?.()
    },
  }
}
