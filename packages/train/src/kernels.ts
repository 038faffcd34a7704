import { matricesWasm } from './generated/matrices'
import { updatesWasm } from './generated/updates'
import { vectorsWasm } from './generated/vectors'

/** Arguments of a kernel in the order of its source: byte offsets, sizes and scalars. */
type Kernel<Result = void> = (this: void, ...parameters: number[]) => Result

/**
 * The compiled `assembly/*.ts`, where each is described: its offsets are of float32 arrays in the memory that the
 * kernels were bound to.
 */
export interface Kernels {
  readonly adam: Kernel
  readonly lambSquares: Kernel<number>
  readonly lambStep: Kernel
  readonly momentum: Kernel
  readonly lion: Kernel
  readonly rmsprop: Kernel
  readonly adagrad: Kernel
  readonly scheduleFree: Kernel
  readonly factorMoments: Kernel
  readonly mean: Kernel<number>
  readonly factoredSquares: Kernel<number>
  readonly applyFactored: Kernel
  readonly addMatMul: Kernel
  readonly transpose: Kernel
  readonly sumOfSquares: Kernel<number>
  readonly setScaled: Kernel
  readonly blend: Kernel
  readonly clamp: Kernel
}

let compiled: WebAssembly.Module[] | undefined
const bound = new WeakMap<WebAssembly.Memory, Kernels>()

/** The kernels, working on one memory; instantiated once for each. */
export function kernelsOf(memory: WebAssembly.Memory): Kernels {
  let kernels = bound.get(memory)
  if (kernels === undefined) {
    compiled ??= [updatesWasm, matricesWasm, vectorsWasm].map(compile)
    const instances = compiled.map((module) => new WebAssembly.Instance(module, { env: { memory } }))
    kernels = Object.assign({}, ...instances.map(({ exports }) => exports)) as Kernels
    bound.set(memory, kernels)
  }
  return kernels
}

function compile(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))
}
