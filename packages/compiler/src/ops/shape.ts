import type { Graph, Traced } from '../graph'
import { elementCount, isSplat, producedBy, sameShape } from '../graph'
import { broadcast, materialize } from './values'

/** The same elements in another shape. */
export function reshape(graph: Graph, x: Traced, shape: readonly number[]): Traced {
  if (sameShape(x.shape, shape)) return x
  if (isSplat(x)) return graph.splat(x.splat, shape, x.dtype)
  if (x.kind === 'constant' && x.data) return graph.constant(x.data, shape, x.dtype)
  if (x.kind === 'broadcast' && elementCount(x.source) === 1) {
    const ones = shape.map(() => 1)
    return broadcast(graph, reshape(graph, x.source, ones), shape)
  }
  const value = materialize(graph, x)
  const earlier = producedBy(value, 'Reshape')
  if (earlier) return reshape(graph, earlier.inputs[0]!, shape)
  return graph.single({ op: 'Reshape', inputs: [value], sizes: { shape }, shape, dtype: x.dtype })
}

/** The axes in another order. */
export function transpose(graph: Graph, x: Traced, permutation: readonly number[]): Traced {
  if (permutation.every((from, to) => from === to)) return x
  const shape = permutation.map((axis) => x.shape[axis]!)
  if (isSplat(x)) return graph.splat(x.splat, shape, x.dtype)
  const value = materialize(graph, x)
  const earlier = producedBy(value, 'Transpose')
  if (earlier) {
    const first = earlier.attributes.perm as readonly number[]
    return transpose(
      graph,
      earlier.inputs[0]!,
      permutation.map((axis) => first[axis]!),
    )
  }
  return graph.single({
    op: 'Transpose',
    inputs: [value],
    attributes: { perm: permutation },
    shape,
    dtype: x.dtype,
  })
}

/** ONNX clamps an end beyond the axis to its size: an open end stays right when the size changes. */
const openEnd = 2 ** 31 - 1

/** The box of `size` elements that starts at `begin`. */
export function slice(
  graph: Graph,
  x: Traced,
  box: { begin: readonly number[]; size: readonly number[] },
): Traced {
  const { begin, size } = box
  if (sameShape(size, x.shape)) return x
  if (isSplat(x)) return graph.splat(x.splat, size, x.dtype)
  const axes = size.flatMap((length, axis) => (length === x.shape[axis] ? [] : [axis]))
  const starts = axes.map((axis) => begin[axis]!)
  const ends = axes.map((axis) => {
    const end = begin[axis]! + size[axis]!
    return end === x.shape[axis] ? openEnd : end
  })
  const sizes = { starts, ends, axes }
  return graph.single({ op: 'Slice', inputs: [materialize(graph, x)], sizes, shape: size, dtype: x.dtype })
}

/** Every `strides[axis]`-th element between `begin` and `end`. */
export function stridedSlice(
  graph: Graph,
  x: Traced,
  box: {
    begin: readonly number[]
    end: readonly number[]
    strides: readonly number[]
    shape: readonly number[]
  },
): Traced {
  const { begin: starts, end, strides: steps, shape } = box
  // A negative step that runs to the beginning ends before index 0, which ONNX writes as a very negative end.
  const ends = end.map((limit, axis) => (steps[axis]! < 0 && limit < 0 ? -openEnd : limit))
  const sizes = { starts, ends, axes: starts.map((_, axis) => axis), steps }
  return graph.single({ op: 'Slice', inputs: [materialize(graph, x)], sizes, shape, dtype: x.dtype })
}

/** Values one after the other along an axis. */
export function concatenate(graph: Graph, values: readonly Traced[], axis: number): Traced {
  const [first] = values as [Traced]
  if (values.length === 1) return first
  const total = values.reduce((sum, value) => sum + value.shape[axis]!, 0)
  const shape = first.shape.map((size, index) => (index === axis ? total : size))
  const inputs = values.map((value) => materialize(graph, value))
  return graph.single({ op: 'Concat', inputs, attributes: { axis }, shape, dtype: first.dtype })
}

/** The pieces of a value along an axis. */
export function split(
  graph: Graph,
  x: Traced,
  { sizes, axis }: { sizes: readonly number[]; axis: number },
): Traced[] {
  const outputs = sizes.map((size) => ({
    shape: x.shape.map((length, index) => (index === axis ? size : length)),
    dtype: x.dtype,
  }))
  const inputs = [materialize(graph, x)]
  return [...graph.node({ op: 'Split', inputs, attributes: { axis }, sizes: { split: sizes }, outputs })]
}

/** A constant border. */
export function pad(
  graph: Graph,
  x: Traced,
  { paddings, value }: { paddings: readonly (readonly [number, number])[]; value: number },
): Traced {
  const shape = x.shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0))
  if (sameShape(shape, x.shape)) return x
  const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]
  const inputs = [materialize(graph, x), graph.splat(value, [], x.dtype)]
  return graph.single({ op: 'Pad', inputs, sizes: { pads }, shape, dtype: x.dtype })
}

/** The whole value repeated along each axis. */
export function tile(graph: Graph, x: Traced, repeats: readonly number[]): Traced {
  const shape = x.shape.map((size, axis) => size * repeats[axis]!)
  if (isSplat(x)) return graph.splat(x.splat, shape, x.dtype)
  if (sameShape(shape, x.shape)) return x
  const isBroadcast = repeats.every((count, axis) => count === 1 || x.shape[axis] === 1)
  if (isBroadcast) return broadcast(graph, x, shape)
  return graph.single({
    op: 'Tile',
    inputs: [materialize(graph, x)],
    sizes: { repeats },
    shape,
    dtype: x.dtype,
  })
}
