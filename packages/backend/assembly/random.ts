// Random numbers in WebAssembly memory (AssemblyScript). Counter-based: an element depends on its
// index and the seed alone, so the same seed always gives the same numbers.

/** The 32-bit integer hash 'lowbias32' of Chris Wellons, on four lanes. */
// @ts-ignore: decorator
@inline
function hash(lanes: v128): v128 {
  let x = v128.xor(lanes, i32x4.shr_u(lanes, 16))
  x = i32x4.mul(x, i32x4.splat(0x7feb352d))
  x = v128.xor(x, i32x4.shr_u(x, 15))
  x = i32x4.mul(x, i32x4.splat(0x846ca68b))
  return v128.xor(x, i32x4.shr_u(x, 16))
}

/**
 * Fills `length` float32 elements (rounded up to eight) with 0 at a probability of threshold/65536, else `scale`.
 * One hash serves two elements, sixteen bits each.
 */
export function fillMask(target: usize, length: i32, seed: i32, threshold: i32, scale: f32): void {
  const end = target + ((((length as usize) + 7) & ~7) << 2)
  const scales = f32x4.splat(scale)
  const thresholds = i32x4.splat(threshold)
  const low = i32x4.splat(0xffff)
  const seeds = i32x4.splat(seed)
  const golden = i32x4.splat(0x9e3779b9)
  let counters = i32x4(0, 1, 2, 3)
  const four = i32x4.splat(4)
  for (let to = target; to < end; to += 32) {
    const bits = hash(v128.xor(i32x4.mul(counters, golden), seeds))
    counters = i32x4.add(counters, four)
    v128.store(to, v128.and(i32x4.ge_s(v128.and(bits, low), thresholds), scales))
    v128.store(to, v128.and(i32x4.ge_s(i32x4.shr_u(bits, 16), thresholds), scales), 16)
  }
}

/** Fills `length` float32 elements (rounded up to eight) with numbers uniform in [-1, 1]. */
export function fillUniform(target: usize, length: i32, seed: i32): void {
  const end = target + ((((length as usize) + 7) & ~7) << 2)
  const unit = f32x4.splat(4.656612873077393e-10) // 2^-31
  const seeds = i32x4.splat(seed)
  const golden = i32x4.splat(0x9e3779b9)
  let counters = i32x4(0, 1, 2, 3)
  const four = i32x4.splat(4)
  for (let to = target; to < end; to += 16) {
    const bits = hash(v128.xor(i32x4.mul(counters, golden), seeds))
    counters = i32x4.add(counters, four)
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(bits), unit))
  }
}
