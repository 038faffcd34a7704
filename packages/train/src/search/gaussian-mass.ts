/**
 * The logarithm of the probability that a standard normal variable lies between two numbers, also far out in the tails,
 * where the probability itself is 0 in float64.
 */
export function logGaussianMass(low: number, high: number): number {
  // By symmetry, what lies on the right is done on the left.
  if (low > 0) return logGaussianMass(-high, -low)
  const [near, far] = [-high / Math.SQRT2, -low / Math.SQRT2]
  if (high > 0) return Math.log((erf(far) + erf(-near)) / 2)
  return -near * near + Math.log((erfcx(near) - erfcx(far) * Math.exp(near * near - far * far)) / 2)
}

/** Below it a power series converges fast and loses nothing, above it a continued fraction does. */
const border = 1

/** The error function of x ≥ 0. */
function erf(x: number): number {
  const decay = Math.exp(-x * x)
  return x < border ? powerSeries(x) * decay : 1 - continuedFraction(x) * decay
}

/** (1 − erf(x)) exp(x²) of x ≥ 0, which does not underflow. */
function erfcx(x: number): number {
  return x < border ? Math.exp(x * x) - powerSeries(x) : continuedFraction(x)
}

/** erf(x) exp(x²): Abramowitz and Stegun 7.1.6. */
function powerSeries(x: number): number {
  let term = (2 / Math.sqrt(Math.PI)) * x
  let sum = term
  for (let n = 1; term > sum * Number.EPSILON; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return sum
}

/** The same as {@link erfcx}, Abramowitz and Stegun 7.1.14: from the innermost fraction outward. */
function continuedFraction(x: number): number {
  // As many as float64 can tell, found by trying.
  const terms = Math.ceil(10 + 170 / (x * x))
  let denominator = x
  for (let n = terms; n >= 1; n--) denominator = x + n / 2 / denominator
  return 1 / (Math.sqrt(Math.PI) * denominator)
}
