import { once } from 'node:events'
import { ArgumentError, throwIfAborted } from '@tfx/common'

/** How a stream is cut. */
interface ListOptions {
  /** Elements in a list; the last may have fewer. */
  readonly size: number
  readonly signal: AbortSignal | undefined
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
  const settled = new AbortController()
  const aborted = signal && once(signal, 'abort', { signal: settled.signal }).catch(() => undefined)
  let [list, isAtEnd]: [T[], boolean] = [[], false]
  try {
    while (!isAtEnd) {
      throwIfAborted(signal, caller)
      const result = await Promise.race([iterator.next(), ...(aborted ? [aborted] : [])])
      throwIfAborted(signal, caller)
      const { value, done } = result as IteratorResult<T, undefined>
      if (done === true) isAtEnd = true
      else list.push(value)
      if (list.length < size && !(isAtEnd && list.length > 0)) continue
      yield list
      list = []
    }
  } catch (error) {
    isAtEnd ||= signal?.aborted === true
    // One that is awaiting something ends after that: an abort does not wait for it.
    if (signal?.aborted) void end(iterator)
    throw error
  } finally {
    settled.abort()
    if (!isAtEnd) await iterator.return?.()
  }
}

async function end(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  await Promise.resolve(iterator.return?.()).catch(() => undefined)
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
