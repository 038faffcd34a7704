import type { OnnxElementType, OnnxNode, OnnxTensor } from './protobuf'

type Elements = Float32Array | Int32Array | Uint8Array | Int8Array | BigInt64Array

const bytesOf = (data: Elements) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** Collects nodes and initializers, sharing equal small constants. */
export class OnnxBuilder {
  readonly nodes: OnnxNode[] = []
  readonly initializers: OnnxTensor[] = []
  private readonly shared = new Map<string, string>()
  private readonly taken: ReadonlySet<string>
  private next = 0

  /** @param taken Names that the model uses for its inputs and outputs. */
  constructor(taken: Iterable<string> = []) {
    this.taken = new Set(taken)
  }

  freshName(): string {
    const name = `t${this.next++}`
    return this.taken.has(name) ? this.freshName() : name
  }

  /** Adds a node with one output and returns the output's name. */
  emit(op: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}): string {
    const output = this.freshName()
    this.nodes.push({ op, domain: '', inputs, outputs: [output], attributes })
    return output
  }

  initializer(tensor: {
    name?: string
    dtype: OnnxElementType
    shape: readonly number[]
    data: Elements
  }): string {
    const name = tensor.name ?? this.freshName()
    this.initializers.push({ name, dtype: tensor.dtype, shape: tensor.shape, data: bytesOf(tensor.data) })
    return name
  }

  integers(values: readonly number[]): string {
    return this.share(`integers ${values.join()}`, () => {
      const data = BigInt64Array.from(values, BigInt)
      return this.initializer({ dtype: 'int64', shape: [values.length], data })
    })
  }

  integerScalar(value: number): string {
    return this.share(`integer ${value}`, () =>
      this.initializer({ dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) }),
    )
  }

  floatScalar(value: number): string {
    return this.constant(value, { dtype: 'float32', shape: [] })
  }

  /** One number, of a rank of only ones. */
  constant(
    value: number,
    { dtype, shape }: { dtype: 'float32' | 'int32' | 'bool' | 'int64'; shape: readonly number[] },
  ): string {
    if (dtype === 'int64') return this.integerScalar(value)
    const written = Object.is(value, -0) ? '-0' : String(value)
    return this.share(`${dtype} ${written} ${shape.join()}`, () => {
      const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }
      return this.initializer({ dtype, shape, data: arrays[dtype].of(value) })
    })
  }

  private share(key: string, make: () => string): string {
    const known = this.shared.get(key)
    if (known !== undefined) return known
    const name = make()
    this.shared.set(key, name)
    return name
  }
}
