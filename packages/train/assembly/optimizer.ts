// The passes of an optimizer step over parameters that live in WebAssembly memory (AssemblyScript).
// Every kernel takes byte offsets of float32 arrays and their number of elements; lengths need not be
// a multiple of four. Each reads and writes every element once, since the passes are bound by memory.
// The scalars are rounded from float64 by the caller: 1 - beta2 computed here, in float32, would be
// wrong in its fifth digit.

/** torch.optim.AdamW (single tensor, not fused) in one pass. */
export function adamW(
  value: usize,
  gradient: usize,
  expAvg: usize,
  expAvgSq: usize,
  length: i32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  inverseRootCorrection2: f32,
  epsilon: f32,
  keep: f32,
  stepSize: f32,
  gradientScale: f32,
): void {
  const gradientScales = f32x4.splat(gradientScale)
  const firstRate = f32x4.splat(oneMinusBeta1)
  const secondKeep = f32x4.splat(beta2)
  const secondRate = f32x4.splat(oneMinusBeta2)
  const corrections = f32x4.splat(inverseRootCorrection2)
  const epsilons = f32x4.splat(epsilon)
  const keeps = f32x4.splat(keep)
  const stepSizes = f32x4.splat(stepSize)
  const end = (length as usize) << 2
  const vectorEnd = end & ~15
  let i: usize = 0
  for (; i < vectorEnd; i += 16) {
    const g = f32x4.mul(v128.load(gradient + i), gradientScales)
    const oldFirst = v128.load(expAvg + i)
    const first = f32x4.add(oldFirst, f32x4.mul(firstRate, f32x4.sub(g, oldFirst)))
    const second = f32x4.add(
      f32x4.mul(v128.load(expAvgSq + i), secondKeep),
      f32x4.mul(f32x4.mul(g, g), secondRate),
    )
    v128.store(expAvg + i, first)
    v128.store(expAvgSq + i, second)
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(second), corrections), epsilons)
    const kept = f32x4.mul(v128.load(value + i), keeps)
    v128.store(value + i, f32x4.sub(kept, f32x4.mul(stepSizes, f32x4.div(first, denominator))))
  }
  for (; i < end; i += 4) {
    const g = load<f32>(gradient + i) * gradientScale
    const oldFirst = load<f32>(expAvg + i)
    const first = oldFirst + oneMinusBeta1 * (g - oldFirst)
    const second = load<f32>(expAvgSq + i) * beta2 + g * g * oneMinusBeta2
    store<f32>(expAvg + i, first)
    store<f32>(expAvgSq + i, second)
    const denominator = sqrt<f32>(second) * inverseRootCorrection2 + epsilon
    store<f32>(value + i, load<f32>(value + i) * keep - stepSize * (first / denominator))
  }
}

/** The sum of squares in float64: it can neither overflow nor lose small elements of a long array. */
export function sumOfSquares(source: usize, length: i32): f64 {
  let sumA = f64x2.splat(0)
  let sumB = f64x2.splat(0)
  let sumC = f64x2.splat(0)
  let sumD = f64x2.splat(0)
  const end = (length as usize) << 2
  const vectorEnd = end & ~31
  let i: usize = 0
  for (; i < vectorEnd; i += 32) {
    const a = f64x2.promote_low_f32x4(v128.load64_zero(source + i))
    const b = f64x2.promote_low_f32x4(v128.load64_zero(source + i, 8))
    const c = f64x2.promote_low_f32x4(v128.load64_zero(source + i, 16))
    const d = f64x2.promote_low_f32x4(v128.load64_zero(source + i, 24))
    sumA = f64x2.add(sumA, f64x2.mul(a, a))
    sumB = f64x2.add(sumB, f64x2.mul(b, b))
    sumC = f64x2.add(sumC, f64x2.mul(c, c))
    sumD = f64x2.add(sumD, f64x2.mul(d, d))
  }
  const sums = f64x2.add(f64x2.add(sumA, sumB), f64x2.add(sumC, sumD))
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1)
  for (; i < end; i += 4) {
    const element = load<f32>(source + i) as f64
    sum += element * element
  }
  return sum
}

/** target = scale * source */
export function setScaled(target: usize, source: usize, length: i32, scale: f32): void {
  const scales = f32x4.splat(scale)
  const end = (length as usize) << 2
  const vectorEnd = end & ~15
  let i: usize = 0
  for (; i < vectorEnd; i += 16) v128.store(target + i, f32x4.mul(v128.load(source + i), scales))
  for (; i < end; i += 4) store<f32>(target + i, load<f32>(source + i) * scale)
}

/** target += scale * source */
export function addScaled(target: usize, source: usize, length: i32, scale: f32): void {
  const scales = f32x4.splat(scale)
  const end = (length as usize) << 2
  const vectorEnd = end & ~15
  let i: usize = 0
  for (; i < vectorEnd; i += 16) {
    v128.store(target + i, f32x4.add(v128.load(target + i), f32x4.mul(v128.load(source + i), scales)))
  }
  for (; i < end; i += 4) store<f32>(target + i, load<f32>(target + i) + load<f32>(source + i) * scale)
}
