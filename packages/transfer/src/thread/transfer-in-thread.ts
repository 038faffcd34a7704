import { ArgumentError, throwIfAborted } from '@tfx/common'
import { interruption, progressReporter, type TrainingEvent } from '@tfx/train'
import type { Base } from '../base'
import type { TransferDataset } from '../dataset'
import type { LoadOptions } from '../load'
import type { TransferOptions } from '../options'
import type { TaskBasics } from '../task'
import { inThread } from './in-thread'

type ThreadedTask = Pick<TaskBasics<never, never, never>, 'name' | 'thread'>

/** `runTask` in a thread: progress is shown, and signals of the process are heard, by the caller's. */
export async function transferInThread<Options>(
  task: ThreadedTask,
  { base, dataset }: { base: Base; dataset: TransferDataset },
  { thread: _, ...options }: Options & TransferOptions,
): Promise<unknown> {
  const address = addressOf(task, 'transfer')
  const { progress = true, onEvent, checkpoints } = options as TransferOptions
  const report = progress ? progressReporter() : undefined
  const onSignals =
    checkpoints !== undefined && (typeof checkpoints === 'string' || checkpoints.onSignals !== false)
  const { signal, close } = interruption(options.signal, onSignals)
  const sent = {
    ...options,
    signal,
    progress: false,
    onEvent(event: TrainingEvent) {
      report?.(event)
      onEvent?.(event)
    },
  }
  try {
    const values = [base, dataset, sent]
    return await inThread(address, { method: 'transfer', values, names: ['base', 'dataset', 'options'] })
  } finally {
    close()
  }
}

/** `loadFor` or `loadWriter` in a thread. */
export async function loadInThread(
  task: ThreadedTask,
  source: string,
  { thread: _, ...options }: LoadOptions,
): Promise<unknown> {
  const address = addressOf(task, 'load')
  throwIfAborted(options.signal, 'load')
  const call = { method: 'load', values: [source, options], names: ['source', 'options'] }
  return inThread(address, call)
}

/** @throws ArgumentError if the head has no module to run in a thread. */
function addressOf({ name, thread }: ThreadedTask, caller: string): URL {
  if (thread !== undefined) return thread
  throw new ArgumentError({
    function: caller,
    argument: 'thread',
    expected: `left out: the head '${name}' names no module to run in a thread`,
    received: 'true',
    remedy: 'Leave it out, or give the head one: thread: new URL(…), a module that calls serveThread.',
  })
}
