import { mixSeed, sizeOf } from '@tfx/common'
import type { RandomNumbers } from '@tfx/compiler'
import { randomWasm } from './generated/random'

interface RandomKernels {
  fillMask(target: number, length: number, seed: number, threshold: number, scale: number): void
  fillUniform(target: number, length: number, seed: number): void
}

const pageSize = 65536
let compiled: WebAssembly.Module | undefined

/** Numbers to draw. Rates of masks are exact to 1/65536. */
export interface RandomRequest {
  readonly shape: readonly number[]
  readonly random: RandomNumbers
  /** Its position in the step: together with the run's seed it decides the numbers. */
  readonly index: number
}

/** Draws the random numbers of a run, into one buffer that is used again in the next. */
export class RandomBuffer {
  private memory = new WebAssembly.Memory({ initial: 0 })
  private kernels: RandomKernels | undefined

  /**
   * The numbers of one run. The arrays are overwritten by the next call.
   *
   * @param seed The run's seed.
   */
  fill(requests: readonly RandomRequest[], seed: number): Float32Array[] {
    // The kernels write eight elements at a time.
    const sizes = requests.map(({ shape }) => sizeOf(shape))
    const offsets: number[] = []
    let end = 0
    for (const size of sizes) {
      offsets.push(end)
      end += Math.ceil(size / 16) * 64
    }
    const kernels = this.reserve(end)
    return requests.map(({ random, index }, position) => {
      const [offset, size] = [offsets[position]!, sizes[position]!]
      const own = mixSeed(seed, index) | 0
      if (random.kind === 'uniform') kernels.fillUniform(offset, size, own)
      else kernels.fillMask(offset, size, own, Math.round(random.rate * 65536), 1 / (1 - random.rate))
      return new Float32Array(this.memory.buffer, offset, size)
    })
  }

  private reserve(bytes: number): RandomKernels {
    if (this.kernels && this.memory.buffer.byteLength >= bytes) return this.kernels
    // A new memory, not grow(): growing would detach arrays that a run may still read.
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageSize) })
    compiled ??= new WebAssembly.Module(Buffer.from(randomWasm, 'base64'))
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory: this.memory } })
    this.kernels = exports as unknown as RandomKernels
    return this.kernels
  }
}
