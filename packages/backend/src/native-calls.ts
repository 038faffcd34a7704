/** Is told of each call into native code, before and after. */
export interface NativeGuard {
  /** May block the thread. */
  enter(): void
  leave(): void
}

let guard: NativeGuard | undefined

/**
 * Has every native call of this thread pass a guard. onnxruntime-node aborts the whole process if a worker thread is
 * ended inside one; a guard lets whoever ends the thread wait for a moment between two.
 */
export function setNativeGuard(next: NativeGuard | undefined): void {
  guard = next
}

/** Makes a call into native code. */
export async function callNative<T>(call: () => Promise<T>): Promise<T> {
  const passed = guard
  passed?.enter()
  try {
    return await call()
  } finally {
    passed?.leave()
  }
}
