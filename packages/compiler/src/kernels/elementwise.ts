import type { DataType } from '@tfx/common'
import type { Traced } from '../graph'
import { arithmetic, cast, compare, floorDivide, modulo, select, unary } from '../ops/elementwise'
import { broadcast } from '../ops/values'
import type { Kernel, KernelTable } from './kernel'

const pair = ({ a, b }: Readonly<Record<string, Traced>>) => [a, b] as [Traced, Traced]
const mapValues = (table: Record<string, string>, kernel: (op: string) => Kernel): KernelTable =>
  Object.fromEntries(Object.entries(table).map(([name, op]) => [name, kernel(op)]))

const arithmeticKernels = mapValues(
  { Add: 'Add', Sub: 'Sub', Multiply: 'Mul', RealDiv: 'Div', Pow: 'Pow', Maximum: 'Max', Minimum: 'Min' },
  (op) =>
    ({ graph, inputs }) =>
      arithmetic(graph, op, pair(inputs)),
)

const comparisonKernels = mapValues(
  {
    Equal: 'Equal',
    Greater: 'Greater',
    GreaterEqual: 'GreaterOrEqual',
    Less: 'Less',
    LessEqual: 'LessOrEqual',
    LogicalAnd: 'And',
    LogicalOr: 'Or',
  },
  (op) =>
    ({ graph, inputs }) =>
      compare(graph, op, pair(inputs)),
)

const unaryKernels = mapValues(
  {
    Abs: 'Abs',
    Ceil: 'Ceil',
    Cos: 'Cos',
    Erf: 'Erf',
    Floor: 'Floor',
    Log: 'Log',
    LogicalNot: 'Not',
    Neg: 'Neg',
    Reciprocal: 'Reciprocal',
    Relu: 'Relu',
    Round: 'Round',
    Sigmoid: 'Sigmoid',
    Sign: 'Sign',
    Sin: 'Sin',
    Softplus: 'Softplus',
    Sqrt: 'Sqrt',
    Tanh: 'Tanh',
  },
  (op) =>
    ({ graph, inputs }) =>
      unary(graph, op, inputs.x!),
)

/** Ops that are put together from simpler ones. */
const composedKernels: KernelTable = {
  AddN: ({ graph, list }) => list.reduce((sum, value) => arithmetic(graph, 'Add', [sum, value])),
  Cast: ({ graph, inputs, attributes }) => cast(graph, inputs.x!, attributes.dtype as DataType),
  ClipByValue: ({ graph, inputs, attributes }) => {
    const limit = (op: 'Max' | 'Min', x: Traced, bound: number) =>
      Number.isFinite(bound) ? arithmetic(graph, op, [x, graph.splat(bound, [], x.dtype)]) : x
    const { clipValueMin, clipValueMax } = attributes as { clipValueMin: number; clipValueMax: number }
    return limit('Min', limit('Max', inputs.x!, clipValueMin), clipValueMax)
  },
  Elu: ({ graph, inputs }) => {
    const x = inputs.x!
    const zero = graph.splat(0, [], x.dtype)
    const negative = arithmetic(graph, 'Sub', [unary(graph, 'Exp', x), graph.splat(1, [], x.dtype)])
    return select(graph, compare(graph, 'Less', [x, zero]), [negative, x])
  },
  EluGrad: ({ graph, inputs }) => {
    const [dy, y] = [inputs.dy, inputs.y] as [Traced, Traced]
    const slope = arithmetic(graph, 'Add', [y, graph.splat(1, [], y.dtype)])
    const isPositive = compare(graph, 'GreaterOrEqual', [y, graph.splat(0, [], y.dtype)])
    return select(graph, isPositive, [dy, arithmetic(graph, 'Mul', [dy, slope])])
  },
  // tfjs makes this one float32 whatever it is given.
  Exp: ({ graph, inputs }) => unary(graph, 'Exp', cast(graph, inputs.x!, 'float32')),
  Expm1: ({ graph, inputs }) => {
    const x = inputs.x!
    const exponential = unary(graph, 'Exp', cast(graph, x, 'float32'))
    return cast(graph, arithmetic(graph, 'Sub', [exponential, graph.splat(1, [], 'float32')]), x.dtype)
  },
  FloorDiv: ({ graph, inputs }) => floorDivide(graph, ...pair(inputs)),
  Identity: ({ inputs }) => inputs.x!,
  IsNan: ({ graph, inputs }) => {
    const x = inputs.x!
    return unary(graph, 'Not', compare(graph, 'Equal', [x, x]))
  },
  LeakyRelu: ({ graph, inputs, attributes }) => {
    const x = cast(graph, inputs.x!, 'float32')
    const scaled = arithmetic(graph, 'Mul', [x, graph.splat(attributes.alpha as number, [], x.dtype)])
    return select(graph, compare(graph, 'Less', [x, graph.splat(0, [], x.dtype)]), [scaled, x])
  },
  Log1p: ({ graph, inputs }) => {
    const x = inputs.x!
    const shifted = arithmetic(graph, 'Add', [cast(graph, x, 'float32'), graph.splat(1, [], 'float32')])
    return cast(graph, unary(graph, 'Log', shifted), x.dtype)
  },
  Mod: ({ graph, inputs }) => modulo(graph, ...pair(inputs)),
  NotEqual: ({ graph, inputs }) => unary(graph, 'Not', compare(graph, 'Equal', pair(inputs))),
  Relu6: ({ graph, inputs }) => {
    const x = unary(graph, 'Relu', inputs.x!)
    return arithmetic(graph, 'Min', [x, graph.splat(6, [], x.dtype)])
  },
  Rsqrt: ({ graph, inputs }) => unary(graph, 'Reciprocal', unary(graph, 'Sqrt', inputs.x!)),
  Select: ({ graph, inputs }) => {
    const { condition, t, e } = inputs as { condition: Traced; t: Traced; e: Traced }
    return select(graph, condition, [t, e])
  },
  Square: ({ graph, inputs }) => arithmetic(graph, 'Mul', [inputs.x!, inputs.x!]),
  SquaredDifference: ({ graph, inputs }) => {
    const difference = arithmetic(graph, 'Sub', pair(inputs))
    return arithmetic(graph, 'Mul', [difference, difference])
  },
  Step: ({ graph, inputs, attributes }) => {
    const x = inputs.x!
    const isPositive = compare(graph, 'Greater', [x, graph.splat(0, [], x.dtype)])
    const alpha = (attributes.alpha as number | undefined) ?? 0
    const [one, other] = [graph.splat(1, [], x.dtype), graph.splat(alpha, [], x.dtype)]
    return broadcast(graph, select(graph, isPositive, [one, other]), x.shape)
  },
}

export const elementwiseKernels: KernelTable = {
  ...arithmeticKernels,
  ...comparisonKernels,
  ...unaryKernels,
  ...composedKernels,
}
