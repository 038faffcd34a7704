/** The element types that cross between host and engine. */
export type DataType = 'float32' | 'int32' | 'bool'

/** The typed array that holds each {@link DataType}. */
export interface DataTypeArrays {
  float32: Float32Array
  int32: Int32Array
  bool: Uint8Array
}

/** A dense tensor in JavaScript memory, row-major. */
export interface HostTensor<D extends DataType = DataType> {
  readonly dtype: D
  readonly shape: readonly number[]
  readonly data: DataTypeArrays[D]
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1)
}
