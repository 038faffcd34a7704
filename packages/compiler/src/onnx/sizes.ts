import { TraceError } from '@tfx/common'
import type { Size } from '../graph'
import type { SymbolicScalar, SymbolicSize } from '../symbolic'
import type { OnnxBuilder } from './builder'
import { elementTypes, type OnnxElementType } from './protobuf'

/** Where the size of a symbolic axis can be read: one axis of one input. */
export type AxisSources = ReadonlyMap<string, { input: string; axis: number }>

/** The error for a symbolic axis that cannot be read anywhere. */
export function unknownAxis(name: string): TraceError {
  return new TraceError({
    function: 'toOnnx',
    argument: `axis '${name}'`,
    expected: 'an axis of an input that is fed and whose elements are used',
    received: 'an axis of none',
    remedy: 'Feed an input that has this axis and use it, or fix the size.',
  })
}

/** Emits the small integer computations by which sizes follow from the shapes of inputs. */
export class SizeEmitter {
  private readonly memory = new Map<string, string>()

  constructor(
    private readonly builder: OnnxBuilder,
    private readonly axes: AxisSources,
  ) {}

  /** The name of an int64 vector with these sizes. */
  vector(sizes: readonly Size[]): string {
    if (sizes.every((size) => typeof size === 'number')) return this.builder.integers(sizes)
    return this.remember(`vector ${JSON.stringify(sizes)}`, () => {
      const parts = sizes.map((size) =>
        typeof size === 'number' ? this.builder.integers([size]) : this.size(size),
      )
      return parts.length === 1 ? parts[0]! : this.builder.emit('Concat', parts, { axis: 0 })
    })
  }

  /** The name of an int64 scalar with this size. */
  scalar(size: Size): string {
    if (typeof size === 'number') return this.builder.integerScalar(size)
    return this.remember(`scalar ${JSON.stringify(size)}`, () =>
      this.builder.emit('Reshape', [this.size(size), this.builder.integers([])]),
    )
  }

  /** The name of a scalar tensor of a type, from an expression over the axes. */
  number(value: SymbolicScalar | SymbolicSize, dtype: OnnxElementType): string {
    const isFactor = 'factor' in value
    if (isFactor && dtype === 'float32') return this.float(value)
    const key = `number ${JSON.stringify(value)} ${dtype}`
    const exact = () => (isFactor ? this.float(value) : this.scalar(value))
    return this.remember(key, () => this.builder.emit('Cast', [exact()], { to: elementTypes[dtype] }))
  }

  private float({ factor, powers }: SymbolicScalar): string {
    return this.remember(`float ${JSON.stringify([factor, powers])}`, () => {
      const scalar = (axis: string) =>
        this.scalar({ numerator: 1, denominator: 1, powers: { [axis]: 1 }, offset: 0 })
      return Object.entries(powers).reduce((product, [axis, power]) => {
        const size = this.builder.emit('Cast', [scalar(axis)], { to: elementTypes.float32 })
        const op = power < 0 ? 'Div' : 'Mul'
        return Array.from({ length: Math.abs(power) }).reduce<string>(
          (value) => this.builder.emit(op, [value, size]),
          product,
        )
      }, this.builder.floatScalar(factor))
    })
  }

  /**
   * The shape operand of a Reshape, and whether a 0 in it means 0, not "copy". Where at most one size cannot be copied from the input (0),
   * it is left to be inferred (-1), so that nothing needs to be computed.
   */
  reshape(shape: readonly Size[], from: readonly Size[]): { shape: string; allowZero: boolean } {
    const copied = shape.map((size, axis) => {
      if (typeof size === 'number') return size
      return JSON.stringify(size) === JSON.stringify(from[axis]) ? 0 : size
    })
    const open = copied.filter((size) => typeof size !== 'number').length
    // A literal 0 would mean 'copy' as well, and so would one that is computed.
    if (open > 1 || shape.includes(0)) return { shape: this.vector(shape), allowZero: true }
    const inferred = copied.map((size) => (typeof size === 'number' ? size : -1))
    return { shape: this.builder.integers(inferred), allowZero: false }
  }

  private size(size: SymbolicSize): string {
    const { builder } = this
    return this.remember(`size ${JSON.stringify(size)}`, () => {
      const { numerator, denominator, powers, offset, addend } = size
      const productOf = (factors: Readonly<Record<string, number>>) =>
        Object.entries(factors)
          .flatMap(([axis, power]) => Array<string>(power).fill(this.axis(axis)))
          .reduce((product, factor) => builder.emit('Mul', [product, factor]))
      let value = productOf(powers)
      if (addend) return builder.emit(addend.sign > 0 ? 'Add' : 'Sub', [value, productOf(addend.powers)])
      if (numerator !== 1) value = builder.emit('Mul', [value, builder.integers([numerator])])
      if (denominator !== 1) value = builder.emit('Div', [value, builder.integers([denominator])])
      return offset === 0 ? value : builder.emit('Add', [value, builder.integers([offset])])
    })
  }

  private axis(name: string): string {
    return this.remember(`axis ${name}`, () => {
      const source = this.axes.get(name)
      if (!source) throw unknownAxis(name)
      const { input, axis } = source
      return this.builder.emit('Shape', [input], { start: axis, end: axis + 1 })
    })
  }

  private remember(key: string, emit: () => string): string {
    const known = this.memory.get(key)
    if (known !== undefined) return known
    const name = emit()
    this.memory.set(key, name)
    return name
  }
}
