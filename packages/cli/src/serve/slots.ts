import { ApiError } from './api-error'

/** Room for so many replies at a time; who comes first gets the next that is free. */
export interface Slots {
  readonly running: number
  readonly waiting: number
  /**
   * Waits for a slot.
   *
   * @returns What gives it back, once.
   * @throws ApiError with status 429 if too many wait already; the reason of the signal, when it fires.
   */
  enter(signal: AbortSignal): Promise<() => void>
}

/** @param most How many run, and how many wait, at a time. */
export function createSlots({
  running: most,
  waiting: longest,
}: {
  running: number
  waiting: number
}): Slots {
  let running = 0
  const queue = new Set<() => void>()
  const leave = () => {
    const [next] = queue
    if (next === undefined) running--
    else next()
  }
  const once = () => {
    let left = false
    return () => {
      if (!left) leave()
      left = true
    }
  }
  return {
    get running() {
      return running
    },
    get waiting() {
      return queue.size
    },
    async enter(signal) {
      signal.throwIfAborted()
      if (running < most) {
        running++
        return once()
      }
      if (queue.size >= longest) throw busy()
      return new Promise((resolve, reject) => {
        const next = () => {
          queue.delete(next)
          signal.removeEventListener('abort', giveUp)
          resolve(once())
        }
        const giveUp = () => {
          queue.delete(next)
          reject(signal.reason as Error)
        }
        queue.add(next)
        signal.addEventListener('abort', giveUp, { once: true })
      })
    },
  }
}

const busy = () =>
  new ApiError(429, {
    message: 'Too many requests are waiting already. Try again in a moment.',
    code: 'queue_full',
    headers: { 'retry-after': '1' },
  })
