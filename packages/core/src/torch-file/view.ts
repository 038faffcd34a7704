import { sizeOf } from '@tfx/common'
import { bytesPerElement, decodeElements, type ReadableType } from '../weights/number-formats'
import { chunkElements, readElements, type SourceFile } from '../weights/source-file'
import type { PickleHost, TorchTensor } from './pickle'

/** One axis of a view. */
interface Axis {
  readonly size: number
  /** Elements of the storage from one index to the next. */
  readonly source: number
  /** Elements of the row-major result from one index to the next. */
  readonly target: number
}

/**
 * Checks that a view lies within its storage and takes no element twice. So no tensor is larger than its storage,
 * whose size is checked against the file.
 *
 * @throws CheckpointError by `fail`.
 */
export function requireView(tensor: TorchTensor, fail: PickleHost['fail']): void {
  const { shape, strides, offset, storage } = tensor
  if (shape.length !== strides.length) throw fail('a tensor with strides of another number of axes')
  if (shape.includes(0)) {
    if (Number.isSafeInteger(sizeOf(shape.filter((size) => size > 0)))) return
    throw fail('a tensor without elements of an impossible shape')
  }
  let last = 0
  for (const { size, source } of axesOf(tensor).reverse()) {
    // Innermost first: each step must lead past all that the axes within it reach.
    if (source <= last) {
      throw fail(
        `a tensor of the strides [${strides.join(', ')}], which takes elements twice (expand, unfold)`,
      )
    }
    last += source * (size - 1)
  }
  if (offset + last < storage.elements) return
  throw fail(`a tensor that ends at element ${offset + last + 1} of a storage of ${storage.elements}`)
}

/**
 * Reads a view as row-major float32 numbers, in the order of the file, by way of a buffer of a megabyte or two.
 *
 * @param position Where the storage starts in the file.
 */
export async function readView(
  file: SourceFile,
  { tensor, dtype, position }: { tensor: TorchTensor; dtype: ReadableType; position: number },
  destination: Float32Array,
): Promise<void> {
  if (destination.length === 0) return
  const axes = axesOf(tensor)
  const width = bytesPerElement[dtype]
  const base = position + tensor.offset * width
  if (isContiguous(axes)) return readElements(file, { dtype, position: base }, destination)

  const span = 1 + axes.reduce((sum, { size, source }) => sum + (size - 1) * source, 0)
  const bytes = new Uint8Array(Math.min(chunkElements, span) * width)
  const elements = new Float32Array(bytes.length / width)
  // Elements [windowStart, windowEnd) of the span are in `elements`.
  let windowStart = 0
  let windowEnd = 0
  const indices = axes.map(() => 0)
  let source = 0
  let target = 0
  for (let left = destination.length; left > 0; left--) {
    if (source >= windowEnd) {
      windowStart = source
      windowEnd = Math.min(span, source + elements.length)
      const part = bytes.subarray(0, (windowEnd - windowStart) * width)
      await file.read(part, base + windowStart * width)
      decodeElements(dtype, part, elements.subarray(0, windowEnd - windowStart))
    }
    destination[target] = elements[source - windowStart]!
    // The next index, counting like an odometer from the last axis: `source` only grows.
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const step = axes[axis]!
      source += step.source
      target += step.target
      indices[axis]!++
      if (indices[axis]! < step.size) break
      source -= step.source * step.size
      target -= step.target * step.size
      indices[axis] = 0
    }
  }
}

/** The axes in the order of the storage, without those of one index. */
function axesOf({ shape, strides }: TorchTensor): Axis[] {
  return shape
    .map((size, axis) => ({ size, source: strides[axis]!, target: sizeOf(shape.slice(axis + 1)) }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => b.source - a.source)
}

function isContiguous(axes: readonly Axis[]): boolean {
  return axes.every(({ source, target }) => source === target)
}
