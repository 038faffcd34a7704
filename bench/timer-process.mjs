// One side of a measurement: a child process that times steps when told to (see reference/step.py).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('..', import.meta.url))

/** Starts the process and waits until it is warm. */
export async function openTimer(command, args) {
  const child = spawn(command, args, { cwd: repository, stdio: ['pipe', 'pipe', 'inherit'] })
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'close')
  const reply = async () => {
    const { value, done } = await replies.next()
    if (done) throw new Error(`${command} ${args.join(' ')} ended early; see its message above.`)
    return JSON.parse(value)
  }
  const ask = (line) => {
    child.stdin.write(`${line}\n`)
    return reply()
  }
  await reply()
  const steps = []
  const optimizer = []
  return {
    /** A step that does not count. */
    async warmUp() {
      await ask('run 1')
    },
    /** Times some steps. */
    async run(count) {
      const times = await ask(`run ${count}`)
      steps.push(...times.milliseconds)
      optimizer.push(...times.optimizerMilliseconds)
    },
    /** Ends the process: milliseconds of each step, their median, the optimizer's share in percent, peak MiB. */
    async close() {
      const { peakMB } = await ask('quit')
      await ended
      const step = median(steps)
      return { steps, step, share: (100 * median(optimizer)) / step, peakMB }
    },
  }
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
