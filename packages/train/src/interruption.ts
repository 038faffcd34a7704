/** What stops a run between two steps: its caller's signal, or the process being told to end. */
export interface Interruption {
  readonly signal: AbortSignal | undefined
  /** Stops listening. */
  close(this: void): void
}

const processSignals = ['SIGINT', 'SIGTERM'] as const

/** Listens to a signal and, if asked, to those of the process. */
export function interruption(signal: AbortSignal | undefined, onSignals: boolean): Interruption {
  if (!onSignals) return { signal, close: () => undefined }
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals) => controller.abort(new Error(`The process received ${name}.`))
  for (const name of processSignals) process.on(name, stop)
  const signals = signal === undefined ? [controller.signal] : [controller.signal, signal]
  const close = () => {
    for (const name of processSignals) process.off(name, stop)
  }
  return { signal: AbortSignal.any(signals), close }
}
