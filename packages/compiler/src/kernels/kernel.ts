import type { Graph, Traced } from '../graph'

/** What a kernel is given when tfjs calls an op while tracing. */
export interface KernelCall {
  readonly graph: Graph
  /** The named inputs of the op; absent ones are undefined. */
  readonly inputs: Readonly<Record<string, Traced>>
  /** The same inputs in order: for ops that take any number of tensors. */
  readonly list: readonly Traced[]
  /** The op's attributes as tfjs passes them. */
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Records one tfjs op into the graph and returns what its output tensors stand for. */
export type Kernel = (call: KernelCall) => Traced | readonly Traced[]

/** Kernels by tfjs kernel name. */
export type KernelTable = Readonly<Record<string, Kernel>>

/** Counts negative axes from the end. */
export function normalizeAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis
}
