import { ArgumentError, throwIfAborted } from '@tfx/common'

/** How a stream is cut. */
export interface ListOptions {
  /** Elements in a list; the last may have fewer. */
  readonly size: number
  readonly signal?: AbortSignal | undefined
  /** The public function to name in errors. */
  readonly caller: string
}

/**
 * Cuts a stream into lists. It is read no further than asked, and told when no more is wanted.
 *
 * @throws ArgumentError if it is no stream; AbortedError as soon as the signal fires, also while an element is awaited.
 */
export async function* inLists<T>(
  source: Iterable<T> | AsyncIterable<T>,
  { size, signal, caller }: ListOptions,
): AsyncGenerator<T[]> {
  const iterator = iteratorOf<T>(source, caller)
  let list: T[] = []
  let isOver = false
  try {
    while (!isOver) {
      throwIfAborted(signal, caller)
      // A source that throws has ended.
      isOver = true
      const result = await unlessAborted(iterator.next(), signal)
      isOver = result?.done === true
      throwIfAborted(signal, caller)
      if (result?.done !== true) list.push(result!.value)
      if (list.length >= size || (isOver && list.length > 0)) {
        yield list
        list = []
      }
    }
  } finally {
    if (!isOver) {
      const ended = Promise.resolve(iterator.return?.())
      // A source that is waiting ends after that; an abort does not wait for it.
      if (signal?.aborted) ended.catch(() => undefined)
      else await ended
    }
  }
}

/** Waits for a promise, or for the signal: then it is undefined. Leaves nothing behind at the signal. */
function unlessAborted<T>(value: T | Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(undefined)
    const settle =
      <V>(action: (value: V) => void) =>
      (settled: V) => {
        signal?.removeEventListener('abort', stop)
        action(settled)
      }
    signal?.addEventListener('abort', stop)
    Promise.resolve(value).then(settle(resolve), settle(reject))
  })
}

/** @throws ArgumentError */
function iteratorOf<T>(source: unknown, caller: string): Iterator<T> | AsyncIterator<T> {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return (source as AsyncIterable<T>)[Symbol.asyncIterator]()
    if (Symbol.iterator in source) return (source as Iterable<T>)[Symbol.iterator]()
  }
  throw new ArgumentError({
    function: caller,
    argument: 'inputs',
    expected: 'an iterable or async iterable of texts',
    received: source === null ? 'null' : typeof source,
    remedy: 'For a single text or a list of them call predict.',
  })
}
