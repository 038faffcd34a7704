/** A function's value at a point, and its gradient there. */
export interface Evaluated {
  readonly value: number
  readonly gradient: Float64Array
}

interface Step {
  readonly moved: Float64Array
  readonly turned: Float64Array
}

/**
 * Minimises a smooth convex function by L-BFGS (Liu and Nocedal 1989) with steps that are halved until they go down.
 *
 * @param evaluate The function; its arguments must not be kept.
 * @param start Where to begin; not changed.
 * @param tolerance Ends when no element of the gradient is larger.
 * @returns Where the minimum is, as near as `tolerance`, 1,000 steps or float64 allow.
 */
export function minimize(
  evaluate: (point: Float64Array) => Evaluated,
  start: Float64Array,
  { tolerance = 1e-8, history = 10 }: { tolerance?: number; history?: number } = {},
): Float64Array {
  let point = start
  let here = evaluate(point)
  const steps: Step[] = []
  for (let count = 0; count < 1000 && here.gradient.some((each) => Math.abs(each) > tolerance); count++) {
    const direction = downhill(here.gradient, steps)
    const slope = dot(direction, here.gradient)
    let size = steps.length === 0 ? 1 / Math.max(1, Math.sqrt(-slope)) : 1
    let next = plus(point, direction, size)
    let there = evaluate(next)
    while (!(there.value <= here.value + 1e-4 * size * slope)) {
      size /= 2
      // Nothing lower can be told apart in float64.
      if (size < 1e-12) return point
      next = plus(point, direction, size)
      there = evaluate(next)
    }
    const step = { moved: plus(next, point, -1), turned: plus(there.gradient, here.gradient, -1) }
    if (dot(step.moved, step.turned) > 0) steps.push(step)
    if (steps.length > history) steps.shift()
    point = next
    here = there
  }
  return point
}

/** The negative gradient times the inverse Hessian as the last steps show it (two-loop recursion). */
function downhill(gradient: Float64Array, steps: readonly Step[]): Float64Array {
  let direction = gradient.map((each) => -each)
  const shares: number[] = []
  for (const { moved, turned } of [...steps].reverse()) {
    const share = dot(moved, direction) / dot(moved, turned)
    shares.unshift(share)
    direction = plus(direction, turned, -share)
  }
  const last = steps.at(-1)
  if (last) {
    const scale = dot(last.moved, last.turned) / dot(last.turned, last.turned)
    direction = direction.map((each) => each * scale)
  }
  steps.forEach(({ moved, turned }, index) => {
    const share = shares[index]! - dot(turned, direction) / dot(moved, turned)
    direction = plus(direction, moved, share)
  })
  return direction
}

const dot = (left: Float64Array, right: Float64Array) =>
  left.reduce((sum, each, index) => sum + each * right[index]!, 0)

const plus = (left: Float64Array, right: Float64Array, factor: number) =>
  left.map((each, index) => each + factor * right[index]!)
