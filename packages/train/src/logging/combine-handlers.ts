import type { TrainingEvent } from '../events'

/** Takes what happens during training, one event at a time: what `fit` calls `onEvent`. */
export type TrainingEventHandler = (event: TrainingEvent) => void

/**
 * One handler that passes every event to several, in order.
 *
 * @param handlers Undefined ones are left out, so that each may depend on an option.
 *
 * @example
 * ```ts
 * await fit({ … onEvent: combineHandlers(progressReporter(), jsonLinesLogger({ file: 'run.jsonl' })) })
 * ```
 */
export function combineHandlers(...handlers: (TrainingEventHandler | undefined)[]): TrainingEventHandler {
  return (event) => {
    for (const handler of handlers) handler?.(event)
  }
}
