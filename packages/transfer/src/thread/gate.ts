import type { NativeGuard } from '@tfx/backend'

/** A gate before native calls, seen from two threads: one passes it, the other may close it. */
export interface Gate extends NativeGuard {
  /** What the other thread makes the same gate of. */
  readonly memory: SharedArrayBuffer
  /** Waits, blocking, for the call that is under way; nobody passes afterwards. */
  close(): void
}

const [calls, closed] = [0, 1]

/** A native call is a step of training or a batch of predictions: far less than this, unless its thread has died. */
const longestCall = 60_000

/** Makes a gate, or the other side of one. */
export function createGate(memory: SharedArrayBuffer = new SharedArrayBuffer(8)): Gate {
  const cells = new Int32Array(memory)
  const leave = () => {
    Atomics.sub(cells, calls, 1)
    Atomics.notify(cells, calls)
  }
  return {
    memory,
    enter() {
      Atomics.add(cells, calls, 1)
      if (Atomics.load(cells, closed) === 0) return
      leave()
      // For ever: the thread is about to be ended.
      Atomics.wait(cells, closed, 1)
    },
    leave,
    close() {
      Atomics.store(cells, closed, 1)
      const started = performance.now()
      for (;;) {
        const left = longestCall - (performance.now() - started)
        const underWay = Atomics.load(cells, calls)
        if (underWay === 0 || left <= 0) return
        Atomics.wait(cells, calls, underWay, left)
      }
    },
  }
}
