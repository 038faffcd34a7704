import { mixSeed, sizeOf } from '@tfx/common'
import { dropoutWasm } from './generated/dropout'

interface DropoutKernels {
  fillMask(target: number, length: number, seed: number, threshold: number, scale: number): void
}

const pageSize = 65536
let compiled: WebAssembly.Module | undefined

/** One mask to make: where an element is kept it is 1/(1 - rate), else 0. */
export interface MaskRequest {
  readonly shape: readonly number[]
  readonly rate: number
  /** The mask's position in the step: together with the run's seed it decides the mask. */
  readonly index: number
}

/** Makes the dropout masks of a run, in one buffer that is used again in the next. */
export class DropoutMasks {
  private memory = new WebAssembly.Memory({ initial: 0 })
  private kernels: DropoutKernels | undefined

  /**
   * Masks of one run. The arrays are overwritten by the next call.
   *
   * @param seed The run's seed; rates are exact to 1/65536.
   */
  fill(requests: readonly MaskRequest[], seed: number): Float32Array[] {
    // The kernel writes eight elements at a time.
    const sizes = requests.map(({ shape }) => sizeOf(shape))
    const offsets: number[] = []
    let end = 0
    for (const size of sizes) {
      offsets.push(end)
      end += Math.ceil(size / 16) * 64
    }
    const kernels = this.reserve(end)
    return requests.map(({ rate, index }, position) => {
      const [offset, size] = [offsets[position]!, sizes[position]!]
      kernels.fillMask(offset, size, mixSeed(seed, index) | 0, Math.round(rate * 65536), 1 / (1 - rate))
      return new Float32Array(this.memory.buffer, offset, size)
    })
  }

  private reserve(bytes: number): DropoutKernels {
    if (this.kernels && this.memory.buffer.byteLength >= bytes) return this.kernels
    // A new memory, not grow(): growing would detach arrays that a run may still read.
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageSize) })
    compiled ??= new WebAssembly.Module(Buffer.from(dropoutWasm, 'base64'))
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory: this.memory } })
    this.kernels = exports as unknown as DropoutKernels
    return this.kernels
  }
}
