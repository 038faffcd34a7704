import { type DataType, TraceError } from '@tfx/common'
import { finish, type GraphProgram } from './program'
import { type SizeTable, sizeTables } from './size-tables'
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
  /** Axes that are always longer than so much, where the function needs that: the default sizes are larger by it. */
  longerThan?: AxisSizes
}

/**
 * Traces a function whose inputs have named axes: once if there are none, else at three sizes,
 * unified into one program that runs at any size.
 *
 * @throws TraceError if it cannot be traced, or if the traces differ in more than sizes.
 */
export function traceProgram(
  compute: TraceableFunction,
  inputs: Readonly<Record<string, SymbolicTensorSpec>>,
  { keepSparse = false, traceSizes, longerThan = {} }: TraceProgramOptions = {},
): GraphProgram {
  const axes = [
    ...new Set(
      Object.values(inputs).flatMap(({ shape }) => shape.filter((size) => typeof size === 'string')),
    ),
  ]
  const at = (sizes: AxisSizes) => {
    const specs = Object.entries(inputs).map(([name, spec]) => {
      return [
        name,
        { ...spec, shape: spec.shape.map((size) => (typeof size === 'string' ? sizes[size] : size)) },
      ]
    })
    return finish(trace(compute, Object.fromEntries(specs) as Parameters<typeof trace>[1]), { keepSparse })
  }
  if (axes.length === 0) return at({})
  const choices = traceSizes
    ? [checkTraceSizes(traceSizes)]
    : sizeTables.map((table) => sizesFrom(table, axes, longerThan))
  return unifyAtFirst(choices, at)
}

/** A size that happens to equal one of the model's own makes traces differ: then other sizes are tried. */
function unifyAtFirst(
  [sizes, ...others]: readonly (readonly AxisSizes[])[],
  at: (sizes: AxisSizes) => GraphProgram,
): GraphProgram {
  const chosen = sizes!
  try {
    return unify(chosen.map(at), chosen)
  } catch (error) {
    if (others.length === 0 || !(error instanceof TraceError) || error.function !== 'unify') throw error
    return unifyAtFirst(others, at)
  }
}

function checkTraceSizes(traceSizes: readonly AxisSizes[]): readonly AxisSizes[] {
  if (traceSizes.length >= 3) return traceSizes
  throw new TraceError({
    function: 'traceProgram',
    argument: 'traceSizes',
    expected: 'the sizes of at least three traces: two determine an expression, a third verifies it',
    received: `those of ${traceSizes.length}`,
    remedy: 'Add a record with other sizes of every axis.',
  })
}

function sizesFrom(table: SizeTable, axes: readonly string[], longerThan: AxisSizes): AxisSizes[] {
  if (axes.length > table.length) {
    throw new TraceError({
      function: 'traceProgram',
      argument: 'inputs',
      expected: `at most ${table.length} named axes`,
      received: axes.join(', '),
      remedy: 'Fix some of the sizes, or pass traceSizes.',
    })
  }
  return [0, 1, 2].map((trace) =>
    Object.fromEntries(axes.map((axis, index) => [axis, table[index]![trace]! + (longerThan[axis] ?? 0)])),
  )
}
