import { type DataType, TraceError } from '@tfx/common'
import { finish, type GraphProgram } from './program'
import type { AxisSizes } from './symbolic'
import { trace, type TraceableFunction } from './trace'
import { unify } from './unify'

/** An input whose axes may be named instead of fixed. */
export interface SymbolicTensorSpec {
  /** For instance `['batch', 'sequence']`. */
  readonly shape: readonly (number | string)[]
  /** Default `float32`. */
  readonly dtype?: DataType
}

/** Options of {@link traceProgram}. */
export interface TraceProgramOptions {
  /** Leave embedding gradients as ids and rows. Default false. */
  keepSparse?: boolean
  /**
   * The sizes at which the function is traced, one record for each of at least three traces.
   * Default: small distinct numbers. Give your own if the function accepts only certain sizes.
   */
  traceSizes?: readonly AxisSizes[]
}

// Sizes of the first, second, … axis in three traces. Distinct, above 1 (an axis of 1 broadcasts),
// and with unequal gaps: an expression in one axis never fits another, nor a product of two.
// The second table is tried if a size of the first happens to equal one of the model's own.
const sizeTables = [
  [
    [5, 7, 3],
    [7, 13, 11],
    [4, 9, 19],
    [17, 6, 14],
  ],
  [
    [9, 4, 6],
    [10, 15, 6],
    [13, 3, 5],
    [6, 22, 11],
  ],
]

/**
 * Traces a function whose inputs have named axes: once if there are none, else at three sizes,
 * unified into one program that runs at any size.
 *
 * @throws TraceError if it cannot be traced, or if the traces differ in more than sizes.
 */
export function traceProgram(
  compute: TraceableFunction,
  inputs: Readonly<Record<string, SymbolicTensorSpec>>,
  { keepSparse = false, traceSizes }: TraceProgramOptions = {},
): GraphProgram {
  const axes = [...new Set(Object.values(inputs).flatMap(({ shape }) => shape.filter((size) => typeof size === 'string')))]
  const at = (sizes: AxisSizes) => {
    const specs = Object.entries(inputs).map(([name, spec]) => {
      return [name, { ...spec, shape: spec.shape.map((size) => (typeof size === 'string' ? sizes[size] : size)) }]
    })
    return finish(trace(compute, Object.fromEntries(specs) as Parameters<typeof trace>[1]), { keepSparse })
  }
  const unifyAt = (sizes: readonly AxisSizes[]) => unify(sizes.map(at), sizes)
  if (axes.length === 0) return at({})
  if (traceSizes) return unifyAt(traceSizes)
  const [preferred, fallback] = sizeTables.map((table) => sizesFrom(table, axes)) as [AxisSizes[], AxisSizes[]]
  try {
    return unifyAt(preferred)
  } catch (error) {
    if (!(error instanceof TraceError) || error.function !== 'unify') throw error
    return unifyAt(fallback)
  }
}

function sizesFrom(table: readonly (readonly number[])[], axes: readonly string[]): AxisSizes[] {
  if (axes.length > table.length) {
    throw new TraceError({
      function: 'traceProgram',
      argument: 'inputs',
      expected: `at most ${table.length} named axes`,
      received: axes.join(', '),
      remedy: 'Fix some of the sizes, or pass traceSizes.',
    })
  }
  return [0, 1, 2].map((trace) => Object.fromEntries(axes.map((axis, index) => [axis, table[index]?.[trace] as number])))
}
