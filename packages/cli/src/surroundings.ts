/** What a command reads, writes and hears. */
export interface Surroundings {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /**
   * Calls the listener whenever the user interrupts (Ctrl-C, or SIGTERM), which then no longer ends the process.
   *
   * @returns What stops listening.
   */
  readonly onInterrupt: (listener: () => void) => () => void
}

const signals = ['SIGINT', 'SIGTERM'] as const

/** Those of this process. */
export const processSurroundings: Surroundings = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt(listener) {
    for (const signal of signals) process.on(signal, listener)
    return () => {
      for (const signal of signals) process.off(signal, listener)
    }
  },
}

/** Runs something with a signal that fires at the first interrupt. */
export async function withInterrupt<T>(
  { onInterrupt }: Pick<Surroundings, 'onInterrupt'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const stopListening = onInterrupt(() => controller.abort())
  try {
    return await work(controller.signal)
  } finally {
    stopListening()
  }
}
