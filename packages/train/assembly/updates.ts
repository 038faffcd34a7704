// The updates of optimizers over parameters that live in WebAssembly memory (AssemblyScript). Every kernel
// takes byte offsets of float32 arrays and their number of elements, and reads and writes each element
// once, since these passes are bound by memory. They work on whole vectors of four: arrays start at
// multiples of 64 bytes, and what lies between their end and the next such multiple is nobody's.
// The scalars are rounded from float64 by the caller: 1 - beta2 computed here, in float32, would be
// wrong in its fifth digit.

/** The bytes of an array up to the end of its last vector. */
function bytesOf(length: i32): usize {
  return (((length as usize) << 2) + 15) & ~15
}

/** The gradient of the loss and of an L2 penalty: scale * gradient + l2 * value. */
function penalized(value: v128, gradient: v128, scales: v128, penalties: v128): v128 {
  return f32x4.add(f32x4.mul(gradient, scales), f32x4.mul(value, penalties))
}

/**
 * What a moving average becomes: average + rate * (x - average). From the nearer end, as torch's lerp: where little of
 * the average remains, the difference would leave x its rounding.
 */
function moved(average: v128, x: v128, keep: v128, rate: v128, isNear: bool): v128 {
  return isNear
    ? f32x4.add(average, f32x4.mul(rate, f32x4.sub(x, average)))
    : f32x4.add(x, f32x4.mul(keep, f32x4.sub(average, x)))
}

/**
 * Adam and its kin (AdamW, RAdam, NAdam, and LAMB's averages):
 *
 *     value = keep * value - (firstStep * m + gradientStep * g) / (correction * sqrt(v) + epsilon)
 */
export function adam(
  value: usize,
  gradient: usize,
  expAvg: usize,
  expAvgSq: usize,
  length: i32,
  gradientScale: f32,
  l2: f32,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  correction: f32,
  epsilon: f32,
  keep: f32,
  firstStep: f32,
  gradientStep: f32,
): void {
  const scales = f32x4.splat(gradientScale)
  const penalties = f32x4.splat(l2)
  const firstKeep = f32x4.splat(beta1)
  const firstRate = f32x4.splat(oneMinusBeta1)
  const isNear = oneMinusBeta1 < 0.5
  const secondKeep = f32x4.splat(beta2)
  const secondRate = f32x4.splat(oneMinusBeta2)
  const corrections = f32x4.splat(correction)
  const epsilons = f32x4.splat(epsilon)
  const keeps = f32x4.splat(keep)
  const firstSteps = f32x4.splat(firstStep)
  const gradientSteps = f32x4.splat(gradientStep)
  const end = bytesOf(length)
  for (let i: usize = 0; i < end; i += 16) {
    const old = v128.load(value + i)
    const g = penalized(old, v128.load(gradient + i), scales, penalties)
    const first = moved(v128.load(expAvg + i), g, firstKeep, firstRate, isNear)
    const second = f32x4.add(
      f32x4.mul(v128.load(expAvgSq + i), secondKeep),
      f32x4.mul(f32x4.mul(g, g), secondRate),
    )
    v128.store(expAvg + i, first)
    v128.store(expAvgSq + i, second)
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(second), corrections), epsilons)
    const step = f32x4.add(f32x4.mul(firstSteps, first), f32x4.mul(gradientSteps, g))
    v128.store(value + i, f32x4.sub(f32x4.mul(old, keeps), f32x4.div(step, denominator)))
  }
}

/** The sum of squares of LAMB's update: m / correction1 / (correction * sqrt(v) + epsilon) + decay * value. */
export function lambSquares(
  value: usize,
  expAvg: usize,
  expAvgSq: usize,
  length: i32,
  inverseCorrection1: f32,
  correction: f32,
  epsilon: f32,
  decay: f32,
): f64 {
  let sum: f64 = 0
  const end = (length as usize) << 2
  for (let i: usize = 0; i < end; i += 4) {
    const denominator = correction * sqrt<f32>(load<f32>(expAvgSq + i)) + epsilon
    const direction = (load<f32>(expAvg + i) * inverseCorrection1) / denominator
    const update = (direction + decay * load<f32>(value + i)) as f64
    sum += update * update
  }
  return sum
}

/** Takes LAMB's step: value -= stepSize * update, of which `lambSquares` has measured the length. */
export function lambStep(
  value: usize,
  expAvg: usize,
  expAvgSq: usize,
  length: i32,
  inverseCorrection1: f32,
  correction: f32,
  epsilon: f32,
  decay: f32,
  stepSize: f32,
): void {
  const firstScales = f32x4.splat(inverseCorrection1)
  const corrections = f32x4.splat(correction)
  const epsilons = f32x4.splat(epsilon)
  const decays = f32x4.splat(decay)
  const stepSizes = f32x4.splat(stepSize)
  const end = bytesOf(length)
  for (let i: usize = 0; i < end; i += 16) {
    const old = v128.load(value + i)
    const root = f32x4.sqrt(v128.load(expAvgSq + i))
    const denominator = f32x4.add(f32x4.mul(corrections, root), epsilons)
    const direction = f32x4.div(f32x4.mul(v128.load(expAvg + i), firstScales), denominator)
    const update = f32x4.add(direction, f32x4.mul(decays, old))
    v128.store(value + i, f32x4.sub(old, f32x4.mul(stepSizes, update)))
  }
}

/** SGD with momentum: buffer = momentum * buffer + rate * g, value -= gradientStep * g + bufferStep * buffer. */
export function momentum(
  value: usize,
  gradient: usize,
  buffer: usize,
  length: i32,
  gradientScale: f32,
  l2: f32,
  momentum: f32,
  rate: f32,
  gradientStep: f32,
  bufferStep: f32,
): void {
  const scales = f32x4.splat(gradientScale)
  const penalties = f32x4.splat(l2)
  const momenta = f32x4.splat(momentum)
  const rates = f32x4.splat(rate)
  const gradientSteps = f32x4.splat(gradientStep)
  const bufferSteps = f32x4.splat(bufferStep)
  const end = bytesOf(length)
  for (let i: usize = 0; i < end; i += 16) {
    const old = v128.load(value + i)
    const g = penalized(old, v128.load(gradient + i), scales, penalties)
    const direction = f32x4.add(f32x4.mul(v128.load(buffer + i), momenta), f32x4.mul(g, rates))
    v128.store(buffer + i, direction)
    const step = f32x4.add(f32x4.mul(g, gradientSteps), f32x4.mul(direction, bufferSteps))
    v128.store(value + i, f32x4.sub(old, step))
  }
}

/** Lion: value = keep * value - stepSize * sign(lerp(m, g, oneMinusBeta1)), m = lerp(m, g, oneMinusBeta2). */
export function lion(
  value: usize,
  gradient: usize,
  expAvg: usize,
  length: i32,
  gradientScale: f32,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  keep: f32,
  stepSize: f32,
): void {
  const scales = f32x4.splat(gradientScale)
  const firstKeep = f32x4.splat(beta1)
  const firstRate = f32x4.splat(oneMinusBeta1)
  const secondKeep = f32x4.splat(beta2)
  const secondRate = f32x4.splat(oneMinusBeta2)
  const keeps = f32x4.splat(keep)
  const stepSizes = f32x4.splat(stepSize)
  const zeros = f32x4.splat(0)
  const end = bytesOf(length)
  for (let i: usize = 0; i < end; i += 16) {
    const g = f32x4.mul(v128.load(gradient + i), scales)
    const average = v128.load(expAvg + i)
    const direction = f32x4.add(f32x4.mul(average, firstKeep), f32x4.mul(g, firstRate))
    const up = v128.and(f32x4.gt(direction, zeros), stepSizes)
    const down = v128.and(f32x4.lt(direction, zeros), stepSizes)
    const kept = f32x4.mul(v128.load(value + i), keeps)
    v128.store(value + i, f32x4.add(f32x4.sub(kept, up), down))
    v128.store(expAvg + i, f32x4.add(f32x4.mul(average, secondKeep), f32x4.mul(g, secondRate)))
  }
}

/** torch.optim.RMSprop; an offset of 0 says that there is no gradient average (not centred), or no buffer. */
export function rmsprop(
  value: usize,
  gradient: usize,
  squareAverage: usize,
  gradientAverage: usize,
  buffer: usize,
  length: i32,
  gradientScale: f32,
  l2: f32,
  alpha: f32,
  oneMinusAlpha: f32,
  epsilon: f32,
  momentum: f32,
  stepSize: f32,
): void {
  const scales = f32x4.splat(gradientScale)
  const penalties = f32x4.splat(l2)
  const alphas = f32x4.splat(alpha)
  const rates = f32x4.splat(oneMinusAlpha)
  const isNear = oneMinusAlpha < 0.5
  const epsilons = f32x4.splat(epsilon)
  const momenta = f32x4.splat(momentum)
  const stepSizes = f32x4.splat(stepSize)
  const zeros = f32x4.splat(0)
  const end = bytesOf(length)
  for (let i: usize = 0; i < end; i += 16) {
    const old = v128.load(value + i)
    const g = penalized(old, v128.load(gradient + i), scales, penalties)
    const squares = f32x4.mul(f32x4.mul(g, g), rates)
    let variance = f32x4.add(f32x4.mul(v128.load(squareAverage + i), alphas), squares)
    v128.store(squareAverage + i, variance)
    if (gradientAverage != 0) {
      const mean = moved(v128.load(gradientAverage + i), g, alphas, rates, isNear)
      v128.store(gradientAverage + i, mean)
      // Rounding must not make it negative, for its root would be no number.
      variance = f32x4.max(f32x4.sub(variance, f32x4.mul(mean, mean)), zeros)
    }
    let step = f32x4.div(g, f32x4.add(f32x4.sqrt(variance), epsilons))
    if (buffer != 0) {
      step = f32x4.add(f32x4.mul(v128.load(buffer + i), momenta), step)
      v128.store(buffer + i, step)
    }
    v128.store(value + i, f32x4.sub(old, f32x4.mul(stepSizes, step)))
  }
}

/** torch.optim.Adagrad: sum += g², value -= stepSize * g / (sqrt(sum + initial) + epsilon). */
export function adagrad(
  value: usize,
  gradient: usize,
  sum: usize,
  length: i32,
  gradientScale: f32,
  l2: f32,
  initial: f32,
  epsilon: f32,
  stepSize: f32,
): void {
  const scales = f32x4.splat(gradientScale)
  const penalties = f32x4.splat(l2)
  const initials = f32x4.splat(initial)
  const epsilons = f32x4.splat(epsilon)
  const stepSizes = f32x4.splat(stepSize)
  const end = bytesOf(length)
  for (let i: usize = 0; i < end; i += 16) {
    const old = v128.load(value + i)
    const g = penalized(old, v128.load(gradient + i), scales, penalties)
    const total = f32x4.add(v128.load(sum + i), f32x4.mul(g, g))
    v128.store(sum + i, total)
    const denominator = f32x4.add(f32x4.sqrt(f32x4.add(total, initials)), epsilons)
    v128.store(value + i, f32x4.sub(old, f32x4.div(f32x4.mul(stepSizes, g), denominator)))
  }
}

/** Schedule-free AdamW: value is y, moved to z by `share` and along the update by `valueStep`. */
export function scheduleFree(
  value: usize,
  gradient: usize,
  z: usize,
  expAvgSq: usize,
  length: i32,
  gradientScale: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  correction: f32,
  epsilon: f32,
  decay: f32,
  share: f32,
  valueStep: f32,
  stepSize: f32,
): void {
  const scales = f32x4.splat(gradientScale)
  const secondKeep = f32x4.splat(beta2)
  const secondRate = f32x4.splat(oneMinusBeta2)
  const corrections = f32x4.splat(correction)
  const epsilons = f32x4.splat(epsilon)
  const decays = f32x4.splat(decay)
  const shares = f32x4.splat(share)
  const valueSteps = f32x4.splat(valueStep)
  const stepSizes = f32x4.splat(stepSize)
  const end = bytesOf(length)
  for (let i: usize = 0; i < end; i += 16) {
    const y = v128.load(value + i)
    const g = f32x4.mul(v128.load(gradient + i), scales)
    const squares = f32x4.mul(f32x4.mul(g, g), secondRate)
    const second = f32x4.add(f32x4.mul(v128.load(expAvgSq + i), secondKeep), squares)
    v128.store(expAvgSq + i, second)
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(second), corrections), epsilons)
    const update = f32x4.add(f32x4.div(g, denominator), f32x4.mul(y, decays))
    const base = v128.load(z + i)
    const averaged = f32x4.add(y, f32x4.mul(shares, f32x4.sub(base, y)))
    v128.store(value + i, f32x4.add(averaged, f32x4.mul(valueSteps, update)))
    v128.store(z + i, f32x4.sub(base, f32x4.mul(stepSizes, update)))
  }
}
