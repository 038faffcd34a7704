import { ArgumentError, throwIfAborted } from '@tfx/common'
import { interruption, progressReporter, type TrainingEvent } from '@tfx/train'
import type { Base } from '../base'
import type { TransferDataset } from '../dataset'
import type { TaskHead } from '../head'
import type { LoadOptions } from '../load'
import type { TransferModel } from '../model'
import type { TransferOptions } from '../options'
import { inThread } from './in-thread'

type ThreadedHead = Pick<TaskHead<never, unknown, never>, 'name' | 'thread'>

/** `transferTo` in a thread: progress is shown, and signals of the process are heard, by the caller's. */
export async function transferInThread<Answer, Options>(
  head: ThreadedHead,
  { base, dataset }: { base: Base; dataset: TransferDataset },
  { thread: _, ...options }: Options & TransferOptions,
): Promise<TransferModel<Answer, Options>> {
  const address = addressOf(head, 'transfer')
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
    const model = await inThread(address, {
      method: 'transfer',
      values,
      names: ['base', 'dataset', 'options'],
    })
    return model as TransferModel<Answer, Options>
  } finally {
    close()
  }
}

/** `loadFor` in a thread. */
export async function loadInThread<Answer, Options>(
  head: ThreadedHead,
  source: string,
  { thread: _, ...options }: LoadOptions,
): Promise<TransferModel<Answer, Options>> {
  const address = addressOf(head, 'load')
  throwIfAborted(options.signal, 'load')
  const call = { method: 'load', values: [source, options], names: ['source', 'options'] }
  return (await inThread(address, call)) as TransferModel<Answer, Options>
}

/** @throws ArgumentError if the head has no module to run in a thread. */
function addressOf({ name, thread }: ThreadedHead, caller: string): URL {
  if (thread !== undefined) return thread
  throw new ArgumentError({
    function: caller,
    argument: 'thread',
    expected: `left out: the head '${name}' names no module to run in a thread`,
    received: 'true',
    remedy: 'Leave it out, or give the head one: thread: new URL(…), a module that calls serveThread.',
  })
}
