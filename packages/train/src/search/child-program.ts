/** What a search's process is sent. */
export type ToChild =
  | {
      readonly type: 'start'
      readonly number: number
      readonly parameters: unknown
      readonly directory: string | undefined
    }
  /** The answer to a report; they come in the order of the reports. */
  | { readonly type: 'answer'; readonly stop: boolean }

/** What it sends back. */
export type FromChild =
  | { readonly type: 'report'; readonly step: number; readonly value: number }
  /** What the objective returned; in words, if it is no number. */
  | { readonly type: 'value'; readonly value: number | string }
  | { readonly type: 'error'; readonly error: string }
  /** The module cannot be imported, or has no objective. */
  | { readonly type: 'unusable'; readonly error: string }

/**
 * The program of the process that a trial runs in, given to Node by `--eval`: a file of its own would have to be found
 * from the ES module, the CommonJS module and the sources alike. Its argument is the path of the objective's module: packages
 * that are named rather than imported are looked for beside it, as beside any program.
 */
export const childProgram = `
import { pathToFileURL } from 'node:url'

const controller = new AbortController()
const waiting = []
// The search is gone: nobody waits for this trial.
process.on('disconnect', () => process.exit(1))
const send = (message) => new Promise((resolve) => process.send(message, resolve))

function report(step, value) {
  if (!Number.isInteger(step) || step < 0) {
    throw new TypeError('trial.report: the step must be an integer of at least 0, but got ' + step + '.')
  }
  return new Promise((resolve) => {
    waiting.push(resolve)
    void send({ type: 'report', step, value: Number(value) })
  })
}

async function objectiveOf(path) {
  const { objective } = await import(pathToFileURL(path))
  if (typeof objective === 'function') return objective
  throw new TypeError('The module exports no function named objective.')
}

process.on('message', async (message) => {
  if (message.type === 'answer') {
    if (message.stop) controller.abort(new Error('The search has stopped this trial.'))
    waiting.shift()?.(message.stop)
    return
  }
  const { parameters, ...trial } = message
  let problem = 'unusable'
  try {
    const objective = await objectiveOf(process.argv[1])
    problem = 'error'
    const value = await objective(parameters, { ...trial, signal: controller.signal, report })
    await send({ type: 'value', value: typeof value === 'number' ? value : String(value) })
  } catch (error) {
    await send({ type: problem, error: error instanceof Error ? error.message : String(error) })
  }
  process.exit(0)
})
`
