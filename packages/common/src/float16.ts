/**
 * Rounds float32 numbers to IEEE 754 half precision, to nearest, ties to even; from 65520 on they are infinite.
 *
 * @returns The bits of each.
 */
export function toFloat16(source: Float32Array): Uint16Array {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length)
  const target = new Uint16Array(source.length)
  for (let index = 0; index < target.length; index++) target[index] = float16Of(bits[index]!)
  return target
}

function float16Of(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // from 65520 on: infinity
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent (127 → 15), then round away 13 bits of the mantissa.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  }
  const exponent = magnitude >>> 23
  if (exponent < 102) return sign // below half of the smallest subnormal
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  const shift = 126 - exponent // to units of 2^-24
  const kept = mantissa >>> shift
  const rest = mantissa & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return sign | (rest > half || (rest === half && kept % 2 === 1) ? kept + 1 : kept)
}
