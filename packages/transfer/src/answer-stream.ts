import { ArgumentError, throwIfAborted } from '@tfx/common'

/** What `predictStream` of every model takes. */
const caller = 'predictStream'

/** How a stream is answered. */
export interface AnswerStreamOptions<T, Answer> {
  /** How many are answered together; the last may be fewer. */
  readonly batchSize: number
  readonly signal?: AbortSignal | undefined
  /**
   * @param inputs Some of the stream, in its order.
   * @param part Their place in it, for errors.
   */
  readonly answer: (inputs: T[], part: { readonly firstIndex: number }) => Promise<readonly Answer[]>
}

/** Of inputs that may be a part of a stream. */
export interface PartOfStream {
  /** How many came before, so that errors count from the beginning. Absent: there is no stream. */
  readonly firstIndex?: number | undefined
}

/** How errors call one of some texts: `text` where it is alone, else by its place among all. */
export const textPlace = (count: number, index: number, { firstIndex }: PartOfStream): string =>
  count === 1 && firstIndex === undefined ? 'text' : `texts[${(firstIndex ?? 0) + index}]`

/**
 * Answers what comes in a stream, in its order and in constant memory. It is read no further than answers are asked for, and told
 * when no more are wanted.
 *
 * @throws ArgumentError if it is no stream, or `batchSize` no integer of at least 1; AbortedError as soon as the signal fires, also while an element is awaited; what
 *   `answer` throws.
 */
export async function* answerStream<T, Answer>(
  source: Iterable<T> | AsyncIterable<T>,
  { batchSize: size, signal, answer }: AnswerStreamOptions<T, Answer>,
): AsyncGenerator<Answer, void, undefined> {
  checkSize(size)
  let firstIndex = 0
  for await (const list of inLists(source, { size, signal })) {
    yield* await answer(list, { firstIndex })
    firstIndex += list.length
  }
}

/** @throws ArgumentError on what no list is as long as: a stream without end would be read for ever. */
function checkSize(batchSize: number): void {
  if (Number.isInteger(batchSize) && batchSize >= 1) return
  throw new ArgumentError({
    function: caller,
    argument: 'batchSize',
    expected: 'an integer of at least 1',
    received: String(batchSize),
    remedy: 'Leave it out for the default.',
  })
}

async function* inLists<T>(
  source: Iterable<T> | AsyncIterable<T>,
  { size, signal }: { readonly size: number; readonly signal: AbortSignal | undefined },
): AsyncGenerator<T[]> {
  const iterator = iteratorOf<T>(source)
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
function iteratorOf<T>(source: unknown): Iterator<T> | AsyncIterator<T> {
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
