import { optimizerWasm } from './generated/optimizer'

/**
 * The compiled `assembly/optimizer.ts`. `value`, `source` and the like are byte offsets of float32 arrays
 * in the memory that the kernels were bound to; `length` counts elements.
 */
export interface Kernels {
  adamW(
    value: number,
    gradient: number,
    expAvg: number,
    expAvgSq: number,
    length: number,
    oneMinusBeta1: number,
    beta2: number,
    oneMinusBeta2: number,
    inverseRootCorrection2: number,
    epsilon: number,
    keep: number,
    stepSize: number,
    gradientScale: number,
  ): void
  sumOfSquares(source: number, length: number): number
  setScaled(this: void, target: number, source: number, length: number, scale: number): void
  addScaled(this: void, target: number, source: number, length: number, scale: number): void
}

let compiled: WebAssembly.Module | undefined
const bound = new WeakMap<WebAssembly.Memory, Kernels>()

/** The kernels, working on one memory; instantiated once for each. */
export function kernelsOf(memory: WebAssembly.Memory): Kernels {
  let kernels = bound.get(memory)
  if (kernels === undefined) {
    compiled ??= new WebAssembly.Module(
      Uint8Array.from(atob(optimizerWasm), (character) => character.charCodeAt(0)),
    )
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
    kernels = exports as unknown as Kernels
    bound.set(memory, kernels)
  }
  return kernels
}
