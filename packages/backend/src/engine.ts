import type { DataType, HostTensor } from '@tfx/common'
import type { NarrowType, tf } from '@tfx/compiler'
import type { NarrowNumbers } from './narrow-numbers'

/** A size that is fixed (number) or known only when the program runs (the name of an axis). */
export type Dimension = number | string

/** What a program is told about one of its inputs before it is compiled. */
export interface InputSpec {
  /** For instance `['batch', 'sequence']`, or `[16, 64]` for a program of one size. */
  readonly shape: readonly Dimension[]
  /** Default `float32`. */
  readonly dtype?: DataType
}

/** Named tensors. */
export type NamedTensors = Record<string, tf.Tensor>

/**
 * A computation, written once over tfjs tensors and run by any engine.
 *
 * It must be pure: the same inputs give the same outputs, and no value is read back
 * (`dataSync`), so that it can be traced.
 */
export type StepFunction = (step: {
  /** What changes with every run. */
  inputs: NamedTensors
  /** What stays with the engine: the values of the parameter store, by name. */
  parameters: NamedTensors
}) => NamedTensors

/** How a step is compiled. */
export interface CompileOptions {
  inputs: Record<string, InputSpec>
  /** The store whose values the step sees as `parameters`. */
  parameters?: ParameterStore
  /**
   * Differentiate one scalar output with respect to some parameters. Each run then overwrites the
   * `gradient` slot of those parameters (every element, also the untouched rows of an embedding).
   */
  gradients?: { of: string; withRespectTo: readonly string[] }
  /**
   * Keep less of the forward pass in memory, and compute it again in the backward pass: activations take less than half of
   * the memory, a step takes more time, and the results are the same. `segments`: into how many parts the forward pass is
   * cut, at least 2; default one for every narrow place, two in a transformer layer. For the onnx engine only; without
   * `gradients` it does nothing. Default false.
   */
  gradientCheckpointing?: boolean | { readonly segments: number }
  /**
   * Store the parameters' present values in the program: small batches run up to 1.6 times as fast, since weights are
   * packed for the processor once. It takes memory for a second copy, and later writes to the store are not seen; an
   * engine may ignore it. Not with gradients. As `int8` or `int4` the weights of matrix products are kept in so many bits, by
   * blocks of 32 with a scale each, and what they are multiplied with in 8: less to read, so that small batches run several
   * times as fast; the results differ a little.
   * Default false.
   */
  packParameters?: boolean | 'int8' | 'int4'
  /**
   * The sizes of the named axes at which the step is traced, at least three records. Default: small distinct
   * numbers. Give your own where axes depend on each other: `total` = `past` + `sequence`, say.
   */
  traceSizes?: readonly Readonly<Record<string, number>>[]
  /** Named axes that are always longer than so much, where the step needs that: a learned prompt is in front of texts, say. */
  longerThan?: Readonly<Record<string, number>>
}

/** Options of {@link Program.run}. */
export interface RunOptions {
  seed?: number
  outputs?: Readonly<Record<string, Float32Array>>
}

/** A compiled step. */
export interface Program {
  /**
   * Runs once.
   *
   * @param inputs One tensor for each input of the specification.
   * @param options `seed` decides every dropout mask of this run; without a seed dropout is an error. `outputs`: arrays
   *   that float32 outputs may be written to, by name, each at least as long as its output. Default: new ones. One may be
   *   that of an input if the output is of an operation that writes over it, such as attention to a cache.
   * @returns The step's outputs by name, copied to JavaScript memory.
   * @throws EngineError on a missing input, a wrong shape or dtype.
   */
  run(inputs: Record<string, HostTensor>, options?: RunOptions): Promise<Record<string, HostTensor>>
  /** Frees what the program holds. A store that it used stays. */
  dispose(): Promise<void>
}

/**
 * An array kept for each parameter: a name, if it has the parameter's shape, or a name and the shape that it has beside
 * a parameter. A size of 0 takes no memory: what is not trained needs no gradient.
 */
export type SlotSpec = string | Slot

/** A slot with a shape of its own. */
export interface Slot {
  readonly name: string
  readonly shape: (parameterShape: readonly number[], parameter: string) => readonly number[]
}

/** Options of {@link Engine.createStore}. */
export interface StoreOptions {
  /**
   * Parameters of at least one axis whose values are kept in fewer bits, by name: as float16, or as int8 with a float32 scale
   * for each slice along the first axis. They are rounded when they are written, computed with as float32, and cannot be
   * trained. The onnx engine only. Default: none.
   */
  readonly narrow?: Readonly<Record<string, NarrowType>>
}

/** Numbers that stay where the engine computes: parameters, their gradients, optimizer state. */
interface StoreBase {
  /** Parameter name → shape, in insertion order. */
  readonly shapes: Readonly<Record<string, readonly number[]>>
  /** The arrays kept for each parameter; `value` is always there. New slots are zero. */
  readonly slots: readonly string[]
  /** A copy of one slot. */
  read(name: string, slot?: string): Promise<Float32Array>
  /** Overwrites one slot. */
  write(name: string, data: Float32Array, slot?: string): void
  dispose(): void
}

/** A store in (non-shared) WebAssembly memory: the CPU engine reads it in place, and SIMD kernels update it. */
export interface MemoryStore extends StoreBase {
  readonly kind: 'memory'
  /** Where each slot of a parameter lies. All slots of one parameter share one memory. */
  block(name: string): MemoryBlock
  /**
   * A live view of one slot: no copy.
   *
   * @throws ArgumentError if it is a value that is kept in fewer bits, which `read` gives.
   */
  view(name: string, slot?: string): Float32Array
  /** A live view of a parameter's value if it is kept in fewer bits. */
  narrow(name: string): NarrowNumbers | undefined
}

/** One parameter's place in a {@link MemoryStore}. */
export interface MemoryBlock {
  readonly memory: WebAssembly.Memory
  /** Number of float32 elements of the value, and of every slot without a shape of its own. */
  readonly length: number
  /**
   * Slot name → byte offset, a multiple of 64; up to the next such multiple there is nothing else. Without `value` if that is
   * kept in fewer bits: nothing that works on float32 may touch it.
   */
  readonly offsets: Readonly<Record<string, number>>
  /** Slot name → number of float32 elements. */
  readonly lengths: Readonly<Record<string, number>>
}

/** A store of tfjs tensors on whatever device the tfjs backend computes. */
export interface TensorStore extends StoreBase {
  readonly kind: 'tensor'
  /** The live tensor of one slot. */
  tensor(name: string, slot?: string): tf.Tensor
  /** Replaces the tensor of one slot; the store owns the new one and disposes of the old. */
  replace(name: string, tensor: tf.Tensor, slot?: string): void
}

export type ParameterStore = MemoryStore | TensorStore

/** Runs compiled steps. */
export interface Engine {
  /** `onnx`, or the name of a tfjs backend such as `tfjs:cpu`, `tfjs:tensorflow`. */
  readonly name: string
  /** One line for people: what computes, on which device, how many threads. */
  readonly description: string
  /**
   * Allocates a store.
   *
   * @param shapes Parameter name → shape.
   * @param slots Slots beside `value`, for instance `['gradient', 'expAvg', 'expAvgSq']`.
   * @throws EngineError if there is not enough memory, or if the engine cannot keep values in fewer bits.
   */
  createStore(
    shapes: Record<string, readonly number[]>,
    slots?: readonly SlotSpec[],
    options?: StoreOptions,
  ): ParameterStore
  /** Compiles a step for this engine. */
  compile(step: StepFunction, options: CompileOptions): Promise<Program>
}
