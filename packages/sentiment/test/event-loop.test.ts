import { readFileSync } from 'node:fs'
import { fixturePath } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { transfer } from '../src/index'
import { quick, temporaryFolders, toyRows } from './support'

const folders = temporaryFolders()
const encoder = fixturePath('../packages/base-encoder')
const rows = toyRows(['no', 'yes'], { count: 16 })

async function work(thread: boolean): Promise<void> {
  const model = await transfer(encoder, rows, { ...quick, maxSteps: 2, thread })
  await model.predict(rows)
  await model.evaluate(rows)
  await model.save(folders.path(`thread-${thread}`))
  await model.dispose()
}

describe.runIf(process.platform === 'linux')('the event loop', () => {
  // The one that leaves no garbage here comes first.
  it('is kept for more than 50 ms at once without a thread, and never with one', async () => {
    expect(await longestTurn(() => work(true))).toBeLessThan(50)
    expect(await longestTurn(() => work(false))).toBeGreaterThan(50)
  }, 180_000)
})

/** How many milliseconds this thread computes at most before its timers get a turn. Waiting for a core does not count. */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let [last, longest] = [computed(), 0]
  const turn = () => {
    const now = computed()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(turn, 1)
  try {
    await work()
    turn()
    return longest
  } finally {
    clearInterval(timer)
  }
}

/** Milliseconds that the main thread has been on a core. */
function computed(): number {
  const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return Number(nanoseconds) / 1e6
}
