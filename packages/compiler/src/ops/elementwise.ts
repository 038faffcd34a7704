import type { ElementType, Graph, GraphNode, Traced, Value } from '../graph'
import { isSplat, producedBy, sameShape } from '../graph'
import { joinSparse, scatterRows } from './sparse'
import { broadcast, compact, materialize } from './values'

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
function foldConstants(graph: Graph, op: string, [a, b]: readonly [Traced, Traced]): Traced | undefined {
  const fold = foldBinary[op]
  if (!fold || !isSplat(a) || !isSplat(b)) return undefined
  return graph.splat(fold(a.splat, b.splat), broadcastShape(a.shape, b.shape), a.dtype)
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
  if (a.dtype === 'bool') return throughInteger(graph, [a, b], (pair) => arithmetic(graph, op, pair))
  const shape = broadcastShape(a.shape, b.shape)
  const folded = foldConstants(graph, op, [a, b])
  if (folded) return folded
  const neutral = neutralOperand(op, a, b)
  if (neutral) return broadcast(graph, neutral, shape)
  if (op === 'Add') {
    const sum = addSparse(graph, a, b)
    if (sum) return sum
  }
  const isFloat = a.dtype === 'float32'
  if (op === 'Div' && isFloat && isSplat(b) && hasReciprocal(b.splat)) {
    return arithmetic(graph, 'Mul', [a, graph.splat(1 / b.splat, b.shape, b.dtype)])
  }
  if (op === 'Pow' && isSplat(b, 2)) return broadcast(graph, arithmetic(graph, 'Mul', [a, a]), shape)
  if (op === 'Pow' && isSplat(b, 0.5)) return broadcast(graph, unary(graph, 'Sqrt', a), shape)
  if (op === 'Mul' && isFloat) {
    const scaled = mergeScales(graph, a, b)
    if (scaled) return broadcast(graph, scaled, shape)
  }
  return record(graph, { op, a, b, dtype: a.dtype })
}

/** ONNX has no arithmetic on booleans, which tfjs does as on integers. */
function throughInteger(
  graph: Graph,
  [a, b]: readonly [Traced, Traced],
  perform: (pair: readonly [Traced, Traced]) => Traced,
): Traced {
  return cast(graph, perform([cast(graph, a, 'int32'), cast(graph, b, 'int32')]), 'bool')
}

/** False where 1/x is 0, infinite or has lost digits. */
function hasReciprocal(x: number): boolean {
  const size = Math.abs(x)
  return size > 1e-30 && size < 1e30
}

/** `(x × c₁) × c₂` is `x × (c₁c₂)`, unless that is out of range where neither product is. */
function mergeScales(graph: Graph, a: Traced, b: Traced): Traced | undefined {
  const [scale, scaled] = isSplat(a) ? [a, b] : [b, a]
  if (!isSplat(scale)) return undefined
  const inner = producedBy(scaled.kind === 'broadcast' ? scaled.source : scaled, 'Mul')
  const innerScale = inner?.inputs[1]
  if (!inner || !innerScale || !isSplat(innerScale) || innerScale.shape.length > 0) return undefined
  const product = Math.fround(innerScale.splat * scale.splat)
  if (product === 0 || !Number.isFinite(product)) return undefined
  return arithmetic(graph, 'Mul', [inner.inputs[0]!, graph.splat(product, [], 'float32')])
}

/** A comparison or logical operation: the result is bool. */
export function compare(graph: Graph, op: string, [a, b]: readonly [Traced, Traced]): Traced {
  const isOrder = a.dtype === 'bool' && ordered.has(op)
  const [left, right] = isOrder ? [cast(graph, a, 'int32'), cast(graph, b, 'int32')] : [a, b]
  return record(graph, { op, a: left, b: right, dtype: 'bool' })
}

const ordered = new Set(['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'])

interface BinaryRecord {
  op: string
  a: Traced
  b: Traced
  dtype: ElementType
  attributes?: GraphNode['attributes']
}

function record(graph: Graph, { op, a, b, dtype, attributes = {} }: BinaryRecord): Traced {
  // Scalars go second where order does not matter: later rules and equal nodes look for them there.
  const swap = (op === 'Mul' || op === 'Add') && isSplat(a)
  const inputs = (swap ? [b, a] : [a, b]).map((value) => compact(graph, value))
  const [left, right] = inputs as [Value, Value]
  const shape = broadcastShape(left.shape, right.shape)
  const result = graph.single({ op, inputs, attributes, shape, dtype })
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

/** The operations that onnxruntime has for int32; the others it has for float32 only. */
const integerUnary = new Set(['Abs', 'Neg', 'Relu', 'Sign'])

/** An elementwise operation on one value. The result has its type, as in tfjs: integers are rounded towards zero. */
export function unary(graph: Graph, op: string, x: Traced): Traced {
  if (x.dtype !== 'float32' && op !== 'Not') {
    const through = integerUnary.has(op) ? 'int32' : 'float32'
    if (x.dtype !== through) return cast(graph, unary(graph, op, cast(graph, x, through)), x.dtype)
  }
  const fold = foldUnary[op]
  if (fold && isSplat(x)) return graph.splat(fold(x.splat), x.shape, x.dtype)
  const input = compact(graph, x)
  return broadcast(graph, graph.single({ op, inputs: [input], shape: input.shape, dtype: x.dtype }), x.shape)
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }

/** Conversion to another dtype. */
export function cast(graph: Graph, x: Traced, dtype: ElementType): Traced {
  if (x.dtype === dtype) return x
  if (x.kind === 'constant' && dtype in arrays) {
    const convert = (element: number) =>
      dtype === 'bool' ? Number(element !== 0) : dtype === 'int32' ? Math.trunc(element) : element
    if (x.splat !== undefined && x.symbolicSplat === undefined)
      return graph.splat(convert(x.splat), x.shape, dtype)
    if (x.data)
      return graph.constant(
        arrays[dtype as keyof typeof arrays].from(Array.from<number, number>(x.data, convert)),
        x.shape,
        dtype,
      )
  }
  const input = compact(graph, x)
  const result = graph.single({
    op: 'Cast',
    inputs: [input],
    attributes: { to: dtype },
    shape: input.shape,
    dtype,
  })
  return broadcast(graph, result, x.shape)
}

/** `condition ? a : b`, elementwise. */
export function select(graph: Graph, condition: Traced, [a, b]: readonly [Traced, Traced]): Traced {
  if (a.dtype === 'bool') return selectLogical(graph, condition, [a, b])
  const inputs = [condition, a, b].map((value) => compact(graph, value))
  const shapeOf = (values: readonly Traced[]) =>
    values.reduce<readonly number[]>((shape, value) => broadcastShape(shape, value.shape), [])
  const result = graph.single({ op: 'Where', inputs, shape: shapeOf(inputs), dtype: a.dtype })
  return broadcast(graph, result, shapeOf([condition, a, b]))
}

/** onnxruntime's Where lacks booleans. */
function selectLogical(graph: Graph, condition: Traced, [a, b]: readonly [Traced, Traced]): Traced {
  const chosen = compare(graph, 'And', [condition, a])
  const other = compare(graph, 'And', [unary(graph, 'Not', condition), b])
  return compare(graph, 'Or', [chosen, other])
}

/** Division rounding down, as in Python (ONNX truncates integers); the result is int32, as in tfjs. */
export function floorDivide(graph: Graph, a: Traced, b: Traced): Traced {
  // Not by a reciprocal: 49 × (1/49) is below 1.
  if (a.dtype === 'float32') return cast(graph, unary(graph, 'Floor', divide(graph, a, b)), 'int32')
  const quotient = divide(graph, a, b)
  const remainder = arithmetic(graph, 'Sub', [a, arithmetic(graph, 'Mul', [quotient, b])])
  return arithmetic(graph, 'Sub', [quotient, cast(graph, isOnOtherSide(graph, remainder, b), a.dtype)])
}

function divide(graph: Graph, a: Traced, b: Traced): Traced {
  return foldConstants(graph, 'Div', [a, b]) ?? record(graph, { op: 'Div', a, b, dtype: a.dtype })
}

/** The remainder with the divisor's sign, as in Python. */
export function modulo(graph: Graph, a: Traced, b: Traced): Traced {
  if (a.dtype !== 'float32') return record(graph, { op: 'Mod', a, b, dtype: a.dtype })
  const remainder = record(graph, { op: 'Mod', a, b, dtype: a.dtype, attributes: { fmod: 1 } })
  return select(graph, isOnOtherSide(graph, remainder, b), [
    arithmetic(graph, 'Add', [remainder, b]),
    remainder,
  ])
}

/** Whether a remainder is not 0 and has another sign than the divisor. */
function isOnOtherSide(graph: Graph, remainder: Traced, divisor: Traced): Traced {
  const zero = graph.splat(0, [], remainder.dtype)
  const isNegative = (value: Traced) => compare(graph, 'Less', [value, zero])
  const isInexact = unary(graph, 'Not', compare(graph, 'Equal', [remainder, zero]))
  return compare(graph, 'And', [
    isInexact,
    compare(graph, 'Xor', [isNegative(remainder), isNegative(divisor)]),
  ])
}
