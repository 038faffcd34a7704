import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ArgumentError } from '@tfx/common'
import { childProgram, type FromChild, type ToChild } from './child-program'
import type { TrialOutcome, TrialRunner } from './objective'

/** How long a process may take to save what it has when it is told to end, in milliseconds. */
const grace = 5000

/**
 * Runs each trial in a process of its own: one that crashes takes nothing else with it, and its memory is given back.
 *
 * @param module Exports the function `objective`.
 * @param signal Ends the processes: first by SIGTERM, then by SIGKILL.
 */
export function runInProcess(module: URL, signal: AbortSignal): TrialRunner {
  return async ({ number, parameters, directory, report }) => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '--eval', childProgram, '--', fileURLToPath(module)],
      // Numbers arrive as they are, NaN too.
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' },
    )
    const send = (message: ToChild) => {
      // It may be gone already; its exit tells.
      if (child.connected) child.send(message, () => undefined)
    }
    const stop = () => void end(child)
    signal.addEventListener('abort', stop, { once: true })
    try {
      const outcome = outcomeOf(child, module, (step, value) => {
        send({ type: 'answer', stop: report(step, value) })
      })
      send({ type: 'start', number, parameters, directory })
      if (signal.aborted) stop()
      return await outcome
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}

/** What a process says last, or how it ended without a word; resolves once it has ended. */
function outcomeOf(
  child: ChildProcess,
  module: URL,
  onReport: (step: number, value: number) => void,
): Promise<TrialOutcome> {
  return new Promise((resolve, reject) => {
    let last: Exclude<FromChild, { type: 'report' }> | undefined
    child.on('message', (message: FromChild) => {
      if (message.type === 'report') onReport(message.step, message.value)
      else last = message
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const how = signal ?? `code ${code}`
      if (last === undefined) resolve({ error: new Error(`The trial's process ended with ${how}.`) })
      else if (last.type === 'unusable') reject(unusable(module, last.error))
      else resolve(last)
    })
  })
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), grace)
  await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(timer)
}

function unusable(module: URL, reason: string): ArgumentError {
  return new ArgumentError({
    function: 'search',
    argument: 'objective',
    expected: "the URL of a module that exports a function named 'objective'",
    received: `${module.href}: ${reason}`,
    remedy: "Pass new URL('./objective.mjs', import.meta.url) and export the function by that name.",
  })
}
