import { readFileSync } from 'node:fs'

const period = 5

/**
 * For how many milliseconds at most some work keeps the event loop of this thread from turning. On Linux the time that
 * the thread spends waiting for a core is taken off: that is the doing of other processes.
 */
export async function largestDelay(work: () => Promise<unknown>): Promise<number> {
  let [last, waited, largest] = [performance.now(), waitedForCore(), 0]
  const timer = setInterval(() => {
    const [now, waitedNow] = [performance.now(), waitedForCore()]
    largest = Math.max(largest, now - last - period - (waitedNow - waited))
    ;[last, waited] = [now, waitedNow]
  }, period)
  try {
    await work()
    // The last delay shows when the timer comes round again.
    await new Promise((resolve) => setTimeout(resolve, 2 * period))
    return largest
  } finally {
    clearInterval(timer)
  }
}

/** Milliseconds, of the main thread. */
function waitedForCore(): number {
  try {
    const [, waiting] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
    return Number(waiting) / 1e6
  } catch {
    return 0
  }
}
