import type { DataType } from '@tfx/common'
import type { Traced } from '../graph'
import { range, reverse, stack } from '../ops/indexing'
import { concatenate, pad, reshape, slice, split, stridedSlice, tile, transpose } from '../ops/shape'
import { tf } from '../tf'
import { type KernelTable, normalizeAxis } from './kernel'

const shapeInfo = (x: Traced) => ({ shape: [...x.shape], rank: x.shape.length }) as unknown as tf.Tensor

export const shapeKernels: KernelTable = {
  Concat: ({ graph, list, attributes }) => {
    const rank = list[0]?.shape.length ?? 0
    return concatenate(graph, list, normalizeAxis(attributes.axis as number, rank))
  },
  ExpandDims: ({ graph, inputs, attributes }) => {
    const x = inputs.input!
    const axis = normalizeAxis(attributes.dim as number, x.shape.length + 1)
    return reshape(graph, x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)])
  },
  Fill: ({ graph, attributes }) =>
    graph.splat(
      attributes.value as number,
      attributes.shape as number[],
      (attributes.dtype as DataType | undefined) ?? 'float32',
    ),
  OnesLike: ({ graph, inputs: { x } }) => graph.splat(1, x!.shape, x!.dtype),
  Pack: ({ graph, list, attributes }) => {
    const rank = (list[0]?.shape.length ?? 0) + 1
    return stack(graph, list, normalizeAxis(attributes.axis as number, rank))
  },
  PadV2: ({ graph, inputs, attributes }) =>
    pad(graph, inputs.x!, {
      paddings: attributes.paddings as [number, number][],
      value: (attributes.constantValue as number | undefined) ?? 0,
    }),
  Range: ({ graph, attributes }) => {
    const { start, stop, step, dtype } = attributes as {
      start: number
      stop: number
      step: number
      dtype: DataType
    }
    return range(graph, { start, stop, step, dtype: dtype === 'int32' ? 'int32' : 'float32' })
  },
  Reshape: ({ graph, inputs, attributes }) => {
    const x = inputs.x!
    const size = x.shape.reduce((product, length) => product * length, 1)
    return reshape(graph, x, tf.util.inferFromImplicitShape(attributes.shape as number[], size))
  },
  Reverse: ({ graph, inputs, attributes }) => {
    const x = inputs.x!
    return reverse(graph, x, tf.util.parseAxisParam(attributes.dims as number[], [...x.shape]))
  },
  Slice: ({ graph, inputs, attributes }) => {
    const x = inputs.x!
    const { begin, size } = attributes as { begin: number[]; size: number[] }
    const [starts, lengths] = tf.slice_util.parseSliceParams(shapeInfo(x), begin, size)
    return slice(graph, x, { begin: starts!, size: lengths! })
  },
  SplitV: ({ graph, inputs, attributes }) => {
    const x = inputs.x!
    const axis = normalizeAxis(attributes.axis as number, x.shape.length)
    const parts = attributes.numOrSizeSplits as number | number[]
    return split(graph, x, { sizes: tf.backend_util.prepareSplitSize(shapeInfo(x), parts, axis), axis })
  },
  StridedSlice: ({ graph, inputs, attributes }) => {
    const x = inputs.x!
    const masks = attributes as Record<string, number>
    const { begin, end, strides, finalShape, finalShapeSparse } = tf.slice_util.sliceInfo(
      [...x.shape],
      attributes.begin as number[],
      attributes.end as number[],
      attributes.strides as number[],
      masks.beginMask!,
      masks.endMask!,
      masks.ellipsisMask!,
      masks.newAxisMask!,
      masks.shrinkAxisMask!,
    )
    const sliced = stridedSlice(graph, x, { begin, end, strides, shape: finalShapeSparse })
    return reshape(graph, sliced, finalShape)
  },
  Tile: ({ graph, inputs, attributes }) => tile(graph, inputs.x!, attributes.reps as number[]),
  Transpose: ({ graph, inputs, attributes }) => transpose(graph, inputs.x!, attributes.perm as number[]),
  Unpack: ({ graph, inputs, attributes }) => {
    const x = inputs.value!
    const axis = normalizeAxis(attributes.axis as number, x.shape.length)
    const count = x.shape[axis]!
    const shape = x.shape.filter((_, index) => index !== axis)
    const pieces = split(graph, x, { sizes: Array<number>(count).fill(1), axis })
    return pieces.map((piece) => reshape(graph, piece, shape))
  },
  ZerosLike: ({ graph, inputs: { x } }) => graph.splat(0, x!.shape, x!.dtype),
}
