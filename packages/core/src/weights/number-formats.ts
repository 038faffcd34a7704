import { fromFloat16, toFloat16 } from '@tfx/common'

/** The element types of the format, with their bytes per element. */
export const bytesPerElement = {
  F4: 0.5,
  F6_E2M3: 0.75,
  F6_E3M2: 0.75,
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2: 1,
  F8_E5M2FNUZ: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  F64: 8,
  I64: 8,
  U64: 8,
} as const

/** Every element type of the format. */
export type SafetensorsType = keyof typeof bytesPerElement

/** The element types that are read as float32 numbers. */
export type ReadableType = 'F32' | 'F16' | 'BF16' | 'F64'

/** The element types that are written. */
export type WritableType = 'F32' | 'F16' | 'BF16'

/** True for element types that convert to float32. */
export function isReadableType(dtype: SafetensorsType): dtype is ReadableType {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16' || dtype === 'F64'
}

/**
 * Converts little-endian elements to float32. F16 and BF16 convert exactly; F64 is rounded.
 *
 * @param bytes Starts at a multiple of the element size in its buffer.
 * @param destination As many elements as `bytes` holds.
 */
export function decodeElements(dtype: ReadableType, bytes: Uint8Array, destination: Float32Array): void {
  const { buffer, byteOffset } = bytes
  const length = destination.length
  switch (dtype) {
    case 'F32':
      return destination.set(new Float32Array(buffer, byteOffset, length))
    case 'F64':
      return destination.set(new Float64Array(buffer, byteOffset, length))
    case 'BF16': {
      const source = new Uint16Array(buffer, byteOffset, length)
      const target = bitsOf(destination)
      for (let index = 0; index < length; index++) target[index] = source[index]! << 16
      return
    }
    case 'F16':
      return fromFloat16(new Uint16Array(buffer, byteOffset, length), destination)
  }
}

/**
 * Converts float32 to little-endian elements; F16 and BF16 round to nearest, ties to even.
 *
 * @returns The bytes; for F32 a view of the source, without a copy.
 */
export function encodeElements(dtype: WritableType, source: Float32Array): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  if (dtype === 'F16') return new Uint8Array(toFloat16(source).buffer)
  const bits = bitsOf(source)
  const target = new Uint16Array(source.length)
  for (let index = 0; index < target.length; index++) target[index] = bfloat16Of(bits[index]!)
  return new Uint8Array(target.buffer)
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length)
}

function bfloat16Of(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40 // a quiet NaN
  // Adding just under half a unit, and one more when the kept part is odd, rounds ties to even.
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}
