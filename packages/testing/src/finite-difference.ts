/**
 * The gradient of a scalar function by central differences, one element at a time.
 *
 * In float32 arithmetic the rounding error is about 1e-7 · |value| / step and the truncation error grows
 * with step²; the default suits values near 1.
 *
 * @param evaluate The function; it gets a fresh copy each time.
 * @param at Where to differentiate.
 * @param step Half the distance between the two points. Default 1e-2.
 * @returns One partial derivative for each element of `at`.
 */
export async function finiteDifference(
  evaluate: (point: Float32Array) => number | Promise<number>,
  at: ArrayLike<number>,
  step = 1e-2,
): Promise<Float32Array> {
  const gradient = new Float32Array(at.length)
  for (let index = 0; index < at.length; index++) {
    const above = Float32Array.from(at)
    const below = Float32Array.from(at)
    above[index] = (at[index] ?? 0) + step
    below[index] = (at[index] ?? 0) - step
    // The step as float32 holds it: x + h - x is not h.
    const distance = (above[index] ?? 0) - (below[index] ?? 0)
    gradient[index] = ((await evaluate(above)) - (await evaluate(below))) / distance
  }
  return gradient
}
