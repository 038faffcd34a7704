// The objective that the tests of search run in processes of their own.
import { setTimeout as sleep } from 'node:timers/promises'

/** What goes wrong, if `fate` says so; otherwise the square of x, reported at each of `steps` steps. */
export async function objective({ x, fate = 'well', steps = 3 }, trial) {
  if (fate === 'crash') process.kill(process.pid, 'SIGKILL')
  if (fate === 'exit') process.exit(7)
  if (fate === 'throw') throw new RangeError(`x is ${x}`)
  if (fate === 'nothing') return undefined
  if (fate === 'function') return () => x
  if (fate === 'hang') await sleep(60_000)
  for (let step = 1; step <= steps; step++) {
    await sleep(1)
    await trial.report(step, x * x + 1 / step)
    trial.signal.throwIfAborted()
  }
  return x * x
}
