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

/**
 * Converts half precision to float32, exactly.
 *
 * @param source The bits of each number.
 * @param target As many elements as `source`.
 */
export function fromFloat16(source: Uint16Array, target: Float32Array): void {
  // Bits, not numbers, so that the payload of a NaN survives.
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length)
  const table = float16Table()
  for (let index = 0; index < bits.length; index++) bits[index] = table[source[index]!]!
}

/** Every float16 as a number, by its bits. */
export function float16Values(): Float32Array {
  return new Float32Array(float16Table().buffer)
}

let cachedTable: Uint32Array | undefined

/** The float32 bits of every float16. */
function float16Table(): Uint32Array {
  if (cachedTable) return cachedTable
  const table = new Uint32Array(65536)
  const number = new Float32Array(1)
  const numberBits = new Uint32Array(number.buffer)
  for (let half = 0; half < table.length; half++) {
    const sign = (half & 0x8000) << 16
    const exponent = (half >>> 10) & 0x1f
    const mantissa = half & 0x3ff
    if (exponent === 0) {
      number[0] = mantissa * 2 ** -24
      table[half] = sign | numberBits[0]!
    } else {
      table[half] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13)
    }
  }
  return (cachedTable = table)
}
