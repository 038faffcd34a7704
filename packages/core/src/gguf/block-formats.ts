import { float16Values } from '@tfx/common'

/**
 * Converts whole blocks to float32.
 *
 * @param bytes Whole blocks.
 * @param destination As many elements as the blocks have.
 */
type Decode = (bytes: Uint8Array, destination: Float32Array) => void

/** A quantized type of GGML: blocks of a fixed size, each with scales of its own. */
export interface BlockFormat {
  /** Elements of one block. */
  readonly elements: number
  /** Bytes of one block. */
  readonly bytes: number
  readonly decode: Decode
}

/**
 * The quantized types that are read. Layouts and arithmetic are those of ggml-quants.c and of the Python package
 * `gguf`; every product is exact in float64, so that rounding to float32 at the end gives the reference's bits.
 */
export const blockFormats: ReadonlyMap<string, BlockFormat> = new Map([
  ['Q4_0', simple({ bits: 4, hasMinimum: false })],
  ['Q4_1', simple({ bits: 4, hasMinimum: true })],
  ['Q5_0', simple({ bits: 5, hasMinimum: false })],
  ['Q5_1', simple({ bits: 5, hasMinimum: true })],
  ['Q8_0', { elements: 32, bytes: 34, decode: decodeQ8 }],
  ['Q4_K', { elements: 256, bytes: 144, decode: decodeK(4) }],
  ['Q5_K', { elements: 256, bytes: 176, decode: decodeK(5) }],
  ['Q6_K', { elements: 256, bytes: 210, decode: decodeQ6K }],
])

/** A number of two bytes at any address. */
function float16(bytes: Uint8Array, at: number): number {
  return float16Values()[bytes[at]! | (bytes[at + 1]! << 8)]!
}

/** Scale (2 bytes), [minimum (2),] [fifth bits (4),] low bits (16): element i and i + 16 share a byte. */
function simple({ bits, hasMinimum }: { bits: 4 | 5; hasMinimum: boolean }): BlockFormat {
  const highAt = hasMinimum ? 4 : 2
  const lowAt = highAt + (bits === 5 ? 4 : 0)
  const size = lowAt + 16
  // Without a minimum the levels lie around zero.
  const zero = hasMinimum ? 0 : 1 << (bits - 1)
  const decode: Decode = (bytes, destination) => {
    for (let at = 0, first = 0; first < destination.length; at += size, first += 32) {
      const scale = float16(bytes, at)
      // Negative zero, because adding it keeps the sign of a zero as the reference does.
      const minimum = hasMinimum ? float16(bytes, at + 2) : -0
      for (let index = 0; index < 16; index++) {
        const low = bytes[at + lowAt + index]!
        let even = low & 15
        let odd = low >> 4
        if (bits === 5) {
          even |= highBit(bytes, at + highAt, index)
          odd |= highBit(bytes, at + highAt, index + 16)
        }
        destination[first + index] = scale * (even - zero) + minimum
        destination[first + index + 16] = scale * (odd - zero) + minimum
      }
    }
  }
  return { elements: 32, bytes: size, decode }
}

/** Bit `index` of four bytes, as the fifth bit of a level. */
function highBit(bytes: Uint8Array, at: number, index: number): number {
  return ((bytes[at + (index >> 3)]! >> (index & 7)) & 1) << 4
}

/** Scale (2 bytes), 32 signed levels. */
function decodeQ8(bytes: Uint8Array, destination: Float32Array): void {
  for (let at = 0, first = 0; first < destination.length; at += 34, first += 32) {
    const scale = float16(bytes, at)
    for (let index = 0; index < 32; index++) {
      destination[first + index] = scale * signed(bytes[at + 2 + index]!)
    }
  }
}

/**
 * Scale of scales (2 bytes), scale of minima (2), eight scales and minima of 6 bits (12), [fifth bits (32),] low bits
 * (128). Eight groups of 32 elements; two groups share 32 bytes.
 */
function decodeK(bits: 4 | 5): Decode {
  const lowAt = bits === 5 ? 48 : 16
  const size = lowAt + 128
  return (bytes, destination) => {
    for (let at = 0, first = 0; first < destination.length; at += size, first += 256) {
      const scale = float16(bytes, at)
      const minimum = float16(bytes, at + 2)
      for (let group = 0; group < 8; group++) {
        const [groupScale, groupMinimum] = scaleAndMinimum(bytes, at + 4, group)
        const step = scale * groupScale
        const offset = minimum * groupMinimum
        const low = at + lowAt + (group >> 1) * 32
        const shift = (group & 1) * 4
        for (let index = 0; index < 32; index++) {
          let level = (bytes[low + index]! >> shift) & 15
          if (bits === 5) level |= ((bytes[at + 16 + index]! >> group) & 1) << 4
          destination[first + group * 32 + index] = step * level - offset
        }
      }
    }
  }
}

/** Six bits each: groups 0–3 in the low bits of bytes 0–3 and 4–7, groups 4–7 in bytes 8–11 and the bits left over. */
function scaleAndMinimum(bytes: Uint8Array, at: number, group: number): readonly [number, number] {
  if (group < 4) return [bytes[at + group]! & 63, bytes[at + 4 + group]! & 63]
  const mixed = bytes[at + 4 + group]!
  return [
    (mixed & 15) | ((bytes[at + group - 4]! >> 6) << 4),
    (mixed >> 4) | ((bytes[at + group]! >> 6) << 4),
  ]
}

/** Low four bits (128 bytes), high two bits (64), 16 signed scales, scale of scales (2). */
function decodeQ6K(bytes: Uint8Array, destination: Float32Array): void {
  for (let at = 0, first = 0; first < destination.length; at += 210, first += 256) {
    const scale = float16(bytes, at + 208)
    for (let index = 0; index < 256; index++) {
      const half = index >> 7
      const within = index & 127
      const low = (bytes[at + half * 64 + (within & 63)]! >> ((within >> 6) * 4)) & 15
      const high = (bytes[at + 128 + half * 32 + (within & 31)]! >> ((within >> 5) * 2)) & 3
      const step = scale * signed(bytes[at + 192 + (index >> 4)]!)
      destination[first + index] = step * ((low | (high << 4)) - 32)
    }
  }
}

function signed(byte: number): number {
  return (byte << 24) >> 24
}
