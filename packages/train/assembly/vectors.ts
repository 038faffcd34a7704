// Passes over float32 arrays in WebAssembly memory (AssemblyScript): byte offsets, and numbers of elements
// that need not be a multiple of four.

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

/** target = keep * target + scale * source */
export function blend(target: usize, source: usize, length: i32, keep: f32, scale: f32): void {
  const keeps = f32x4.splat(keep)
  const scales = f32x4.splat(scale)
  const end = (length as usize) << 2
  const vectorEnd = end & ~15
  let i: usize = 0
  for (; i < vectorEnd; i += 16) {
    const kept = f32x4.mul(v128.load(target + i), keeps)
    v128.store(target + i, f32x4.add(kept, f32x4.mul(v128.load(source + i), scales)))
  }
  for (; i < end; i += 4) {
    store<f32>(target + i, load<f32>(target + i) * keep + load<f32>(source + i) * scale)
  }
}

/** Every element into [-limit, limit]; a NaN stays one. */
export function clamp(target: usize, length: i32, limit: f32): void {
  const most = f32x4.splat(limit)
  const least = f32x4.splat(-limit)
  const end = (length as usize) << 2
  const vectorEnd = end & ~15
  let i: usize = 0
  for (; i < vectorEnd; i += 16) {
    v128.store(target + i, f32x4.max(f32x4.min(v128.load(target + i), most), least))
  }
  for (; i < end; i += 4) store<f32>(target + i, max<f32>(min<f32>(load<f32>(target + i), limit), -limit))
}
