/** How far two numbers may lie apart: `absolute + relative · |expected|`. */
export interface Tolerance {
  /** Default 1e-6. */
  absolute?: number
  /** Default 1e-5. */
  relative?: number
}

/** The vitest matcher behind `expect(values).toBeAllClose(expected, { absolute, relative })`. */
export function toBeAllClose(
  received: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 1e-6, relative = 1e-5 }: Tolerance = {},
): { pass: boolean; message: () => string } {
  if (received.length !== expected.length) {
    const message = () => `expected ${expected.length} elements, but got ${received.length}`
    return { pass: false, message }
  }
  let worst = -1
  let worstExcess = -Infinity
  let failures = 0
  for (let index = 0; index < expected.length; index++) {
    const excess = excessOf(received[index], expected[index], { absolute, relative })
    if (excess > 0) failures++
    if (excess <= worstExcess) continue
    worstExcess = excess
    worst = index
  }
  const message = () =>
    failures === 0
      ? `expected some element to differ by more than ${absolute} + ${relative} · |expected|`
      : `${failures} of ${expected.length} elements differ by more than ${absolute} + ${relative} · |expected|; ` +
        `the worst is [${worst}]: expected ${expected[worst]}, but got ${received[worst]}`
  return { pass: failures === 0, message }
}

/** By how much the difference exceeds what is allowed; at most 0 when close. NaN is close to nothing but NaN. */
function excessOf(
  received: number | undefined,
  expected: number | undefined,
  { absolute, relative }: Required<Tolerance>,
): number {
  if (Object.is(received, expected) || received === expected) return -Infinity
  if (received === undefined || expected === undefined) return Infinity
  const excess = Math.abs(received - expected) - (absolute + relative * Math.abs(expected))
  return Number.isNaN(excess) ? Infinity : excess
}
