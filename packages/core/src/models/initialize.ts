import { sizeOf, type Random } from '@tfx/common'
import type { ParameterSpec } from '../blocks/parameters'

/**
 * The values of a new parameter.
 *
 * @param random Where `normal` values come from.
 * @param standardDeviation Of `normal` values: the configuration's `initializerRange`.
 * @returns Row-major values of the specification's shape.
 *
 * @example
 * ```ts
 * const values = initializeParameter(spec, createRandom(42), config.initializerRange)
 * ```
 */
export function initializeParameter(
  spec: ParameterSpec,
  random: Random,
  standardDeviation: number,
): Float32Array {
  const values = new Float32Array(sizeOf(spec.shape))
  if (spec.initialize === 'ones') return values.fill(1)
  if (spec.initialize === 'zeros') return values
  for (let index = 0; index < values.length; index++) values[index] = standardDeviation * random.normal()
  if (spec.zeroRow !== undefined) {
    const rowSize = sizeOf(spec.shape.slice(1))
    values.fill(0, spec.zeroRow * rowSize, (spec.zeroRow + 1) * rowSize)
  }
  return values
}
