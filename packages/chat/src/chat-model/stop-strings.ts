/** A text that ends in front of the stop string that is whole first, of several the longest. */
export interface StopWatch {
  /** Takes the next piece of the text; returns what is certain to be in front of any stop string. */
  push(piece: string): string
  /** Whether a stop string was found: what is pushed after it is lost. */
  readonly stopped: boolean
  /** What was held back, when no more text comes. */
  end(): string
}

/**
 * Watches a text that comes in pieces for stop strings. What may be the beginning of one is held back until it is known.
 *
 * @param stops None of them empty.
 */
export function createStopWatch(stops: readonly string[]): StopWatch {
  let [held, stopped] = ['', false]
  return {
    push(piece) {
      if (stopped) return ''
      held += piece
      const start = startOfFirst(held, stops)
      stopped = start !== undefined
      const length = start ?? held.length - unfinished(held, stops)
      const certain = held.slice(0, length)
      held = stopped ? '' : held.slice(length)
      return certain
    },
    get stopped() {
      return stopped
    },
    end() {
      const rest = held
      held = ''
      return rest
    },
  }
}

/**
 * Where the stop string begins that is whole first. One that begins earlier and is whole later does not count, or the
 * answer would depend on the pieces.
 */
function startOfFirst(text: string, stops: readonly string[]): number | undefined {
  const found = stops
    .map((stop) => ({ start: text.indexOf(stop), length: stop.length }))
    .filter(({ start }) => start >= 0)
  return found.sort((a, b) => a.start + a.length - (b.start + b.length) || a.start - b.start)[0]?.start
}

/** How many characters at the end of a text are the longest beginning of a stop string. */
function unfinished(text: string, stops: readonly string[]): number {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1))
  for (let count = Math.min(longest, text.length); count > 0; count--) {
    if (stops.some((stop) => stop.startsWith(text.slice(-count)))) return count
  }
  return 0
}
