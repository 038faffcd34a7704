import type { ElementType, Graph, Traced, Value } from '../graph'
import { isSplat, producedBy, sameShape } from '../graph'
import { scatterRows } from './indexing'
import { broadcast, compact, joinSparse, materialize } from './values'

/** The shape of a broadcast (NumPy rules). The tfjs op has already checked that it exists. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1
    const y = b[axis - rank + b.length] ?? 1
    return x === 1 ? y : x
  })
}

const foldBinary: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: Math.pow,
  Max: Math.max,
  Min: Math.min,
}

/** A constant of both operands' values, if both are known. */
function foldConstants(graph: Graph, op: string, a: Traced, b: Traced): Traced | undefined {
  const fold = foldBinary[op]
  if (!fold || !isSplat(a) || !isSplat(b)) return undefined
  const value = fold(a.splat, b.splat)
  const rounded = a.dtype === 'float32' ? Math.fround(value) : Math.trunc(value)
  return graph.splat(rounded, broadcastShape(a.shape, b.shape), a.dtype)
}

/** `x + 0`, `x × 1`, `x / 1`, `x − 0`, `x^1` are x. (`x × 0` is not 0: x may be infinite or NaN.) */
function neutralOperand(op: string, a: Traced, b: Traced): Traced | undefined {
  const commutative = op === 'Add' || op === 'Mul'
  const neutral = op === 'Add' || op === 'Sub' ? 0 : 1
  if (!['Add', 'Sub', 'Mul', 'Div', 'Pow'].includes(op)) return undefined
  if (isSplat(b, neutral)) return a
  return commutative && isSplat(a, neutral) ? b : undefined
}

/** Adds row-sparse gradients without making them dense where possible. */
function addSparse(graph: Graph, a: Traced, b: Traced): Traced | undefined {
  if (!sameShape(a.shape, b.shape)) return undefined
  if (a.kind === 'sparse' && b.kind === 'sparse') return joinSparse(graph, a, b)
  if (a.kind === 'sparse') return scatterRows(graph, materialize(graph, b), a)
  if (b.kind === 'sparse') return scatterRows(graph, materialize(graph, a), b)
  return undefined
}

/** An arithmetic operation on two values of one dtype, simplified as it is recorded. */
export function arithmetic(graph: Graph, op: string, [a, b]: readonly [Traced, Traced]): Traced {
  const shape = broadcastShape(a.shape, b.shape)
  const folded = foldConstants(graph, op, a, b)
  if (folded) return folded
  const neutral = neutralOperand(op, a, b)
  if (neutral) return broadcast(graph, neutral, shape)
  if (op === 'Add') {
    const sum = addSparse(graph, a, b)
    if (sum) return sum
  }
  const isFloat = a.dtype === 'float32'
  if (op === 'Div' && isFloat && isSplat(b)) {
    return arithmetic(graph, 'Mul', [a, graph.splat(Math.fround(1 / b.splat), b.shape, b.dtype)])
  }
  if (op === 'Pow' && isSplat(b, 2)) return arithmetic(graph, 'Mul', [a, a])
  if (op === 'Pow' && isSplat(b, 0.5)) return unary(graph, 'Sqrt', a)
  if (op === 'Mul' && isFloat) {
    const scaled = mergeScales(graph, a, b)
    if (scaled) return broadcast(graph, scaled, shape)
  }
  return record(graph, { op, a, b, dtype: a.dtype })
}

/** `(x × c₁) × c₂` is `x × (c₁c₂)`. */
function mergeScales(graph: Graph, a: Traced, b: Traced): Traced | undefined {
  const [scale, scaled] = isSplat(a) ? [a, b] : [b, a]
  if (!isSplat(scale)) return undefined
  const inner = producedBy(scaled.kind === 'broadcast' ? scaled.source : scaled, 'Mul')
  const innerScale = inner?.inputs[1]
  if (!inner || !innerScale || !isSplat(innerScale) || innerScale.shape.length > 0) return undefined
  const product = graph.splat(Math.fround(innerScale.splat * scale.splat), [], 'float32')
  return arithmetic(graph, 'Mul', [inner.inputs[0] as Value, product])
}

/** A comparison or logical operation: the result is bool. */
export function compare(graph: Graph, op: string, [a, b]: readonly [Traced, Traced]): Traced {
  return record(graph, { op, a, b, dtype: 'bool' })
}

interface BinaryRecord {
  op: string
  a: Traced
  b: Traced
  dtype: ElementType
}

function record(graph: Graph, { op, a, b, dtype }: BinaryRecord): Traced {
  // Scalars go second where order does not matter: later rules and equal nodes look for them there.
  const swap = (op === 'Mul' || op === 'Add') && isSplat(a)
  const inputs = (swap ? [b, a] : [a, b]).map((value) => compact(graph, value))
  const [left, right] = inputs as [Value, Value]
  const result = graph.single({ op, inputs, shape: broadcastShape(left.shape, right.shape), dtype })
  return broadcast(graph, result, broadcastShape(a.shape, b.shape))
}

const foldUnary: Record<string, (x: number) => number> = {
  Neg: (x) => -x,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Tanh: Math.tanh,
  Abs: Math.abs,
}

/** An elementwise operation on one value. */
export function unary(graph: Graph, op: string, x: Traced): Traced {
  const fold = foldUnary[op]
  if (fold && isSplat(x)) return graph.splat(Math.fround(fold(x.splat)), x.shape, x.dtype)
  const input = compact(graph, x)
  return broadcast(graph, graph.single({ op, inputs: [input], shape: input.shape, dtype: x.dtype }), x.shape)
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }

/** Conversion to another dtype. */
export function cast(graph: Graph, x: Traced, dtype: ElementType): Traced {
  if (x.dtype === dtype) return x
  if (x.kind === 'constant' && dtype !== 'int64') {
    const convert = (element: number) =>
      dtype === 'bool' ? Number(element !== 0) : dtype === 'int32' ? Math.trunc(element) : element
    if (x.splat !== undefined && x.symbolicSplat === undefined) return graph.splat(convert(x.splat), x.shape, dtype)
    if (x.data) return graph.constant(arrays[dtype].from(Array.from<number, number>(x.data, convert)), x.shape, dtype)
  }
  const input = compact(graph, x)
  const result = graph.single({ op: 'Cast', inputs: [input], attributes: { to: dtype }, shape: input.shape, dtype })
  return broadcast(graph, result, x.shape)
}

/** `condition ? a : b`, elementwise. */
export function select(graph: Graph, condition: Traced, [a, b]: readonly [Traced, Traced]): Traced {
  const inputs = [condition, a, b].map((value) => compact(graph, value))
  const shapeOf = (values: readonly Traced[]) =>
    values.reduce<readonly number[]>((shape, value) => broadcastShape(shape, value.shape), [])
  const result = graph.single({ op: 'Where', inputs, shape: shapeOf(inputs), dtype: a.dtype })
  return broadcast(graph, result, shapeOf([condition, a, b]))
}

/** Integer division rounding down, as tfjs and Python do (ONNX truncates). */
export function floorDivide(graph: Graph, a: Traced, b: Traced): Traced {
  if (a.dtype === 'float32') return unary(graph, 'Floor', arithmetic(graph, 'Div', [a, b]))
  const quotient = arithmetic(graph, 'Div', [a, b])
  const remainder = arithmetic(graph, 'Sub', [a, arithmetic(graph, 'Mul', [quotient, b])])
  const zero = graph.splat(0, [], a.dtype)
  const isInexact = unary(graph, 'Not', compare(graph, 'Equal', [remainder, zero]))
  const negative = (value: Traced) => compare(graph, 'Less', [value, zero])
  const rounds = compare(graph, 'And', [isInexact, compare(graph, 'Xor', [negative(remainder), negative(b)])])
  return arithmetic(graph, 'Sub', [quotient, cast(graph, rounds, a.dtype)])
}
