import { producedBy, type Value } from '../graph'
import type { OnnxBuilder } from './builder'
import { elementTypes } from './protobuf'

/** A value with its name in the model. */
export interface Named {
  readonly value: Value
  readonly name: string
}

/** Emits the sign that all of the values are computed: an empty int64 vector that depends on them. */
export function emitDone(builder: OnnxBuilder, values: readonly Named[], output: string): void {
  const zero = builder.integers([0])
  const signs = values.map(({ value, name }) => {
    if (producedBy(value, 'Done')) return name
    const flat = builder.emit('Reshape', [name, builder.integers([-1])])
    const none = builder.emit('Slice', [flat, zero, zero])
    return builder.emit('Cast', [none], { to: elementTypes.int64 })
  })
  builder.nodes.push({ op: 'Concat', domain: '', inputs: signs, outputs: [output], attributes: { axis: 0 } })
}

/**
 * Emits a value that cannot be used before there is a sign. It is a Reshape to the shape that the value has, joined with
 * the empty sign: no copy, and nothing that an optimizer sees through, neither to run what follows any earlier nor
 * to take it for the same computation on the value itself.
 */
export function emitAfter(
  builder: OnnxBuilder,
  [{ value, name }, sign]: [Named, Named],
  output: string,
): void {
  // A size of 0 means that of the value.
  const same = builder.integers(value.shape.map(() => 0))
  const shape = builder.emit('Concat', [same, sign.name], { axis: 0 })
  builder.nodes.push({ op: 'Reshape', domain: '', inputs: [name, shape], outputs: [output], attributes: {} })
}
