import { fromFloat16, toFloat16 } from '@tfx/common'
import type { NarrowType } from '@tfx/compiler'

/** Where numbers are kept in fewer bits: the elements, and for int8 the scale of each row, a slice of the first axis. */
export type NarrowNumbers =
  | { readonly type: 'float16'; readonly values: Uint16Array }
  | { readonly type: 'int8'; readonly values: Int8Array; readonly scales: Float32Array }

/** Bytes of one element. */
export const narrowBytes: Readonly<Record<NarrowType, number>> = { float16: 2, int8: 1 }

/**
 * Rounds float32 numbers into their narrow place: to IEEE half precision, to nearest, beyond its range to its largest
 * number; or to int8, symmetric, where the largest of a row becomes ±127.
 */
export function writeNarrow(target: NarrowNumbers, source: Float32Array): void {
  if (target.type === 'float16') {
    // By pieces: a table of words is large, and so would be its copies.
    for (let start = 0; start < source.length; start += 2 ** 16) {
      const piece = source.subarray(start, start + 2 ** 16)
      const bounded = piece.map((value) => Math.max(-largestHalf, Math.min(largestHalf, value)))
      target.values.set(toFloat16(bounded), start)
    }
    return
  }
  const { values, scales } = target
  const columns = source.length / scales.length
  for (let row = 0; row < scales.length; row++) {
    const numbers = source.subarray(row * columns, (row + 1) * columns)
    let largest = 0
    for (const number of numbers) largest = Math.max(largest, Math.abs(number))
    const scale = Math.fround(largest / 127) || 1
    scales[row] = scale
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] = Math.round(numbers[column]! / scale)
    }
  }
}

/** The largest finite number of half precision. */
const largestHalf = 65504

/** The float32 numbers that narrow ones stand for. */
export function readNarrow(source: NarrowNumbers): Float32Array {
  const target = new Float32Array(source.values.length)
  if (source.type === 'float16') {
    fromFloat16(source.values, target)
    return target
  }
  const { values, scales } = source
  const columns = values.length / scales.length
  for (let index = 0; index < values.length; index++) {
    target[index] = values[index]! * scales[Math.floor(index / columns)]!
  }
  return target
}
