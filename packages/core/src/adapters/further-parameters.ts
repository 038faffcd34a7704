import type { CompileOptions, Engine, InputSpec, Program, StepFunction } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'

/** Parameters that a step gets with every run: further ones, or in the place of those in the store. What an adapter has learned, say. */
export type FurtherParameters = Readonly<Record<string, HostTensor>>

/** What runs a step. */
export type StepProgram = Pick<Program, 'run'>

const inputOf = (parameter: string): string => `parameter:${parameter}`

/** Shapes by name, of tensors or of specifications. */
export const shapesOf = <Shape extends readonly unknown[]>(
  tensors: Readonly<Record<string, { readonly shape: Shape }>>,
): Record<string, Shape> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]))

/**
 * Compiles a step some of whose parameters are inputs of every run, {@link withFurther}: adapters of the same shapes can share
 * it, and one copy of the base's weights with it.
 *
 * @param shapes Of these parameters, by name. None: the step is compiled as it is.
 */
export function compileForFurther(
  engine: Engine,
  { step, ...options }: CompileOptions & { readonly step: StepFunction },
  shapes: Readonly<Record<string, readonly number[]>>,
): Promise<Program> {
  const names = Object.keys(shapes)
  const specs = names.map((name): [string, InputSpec] => [inputOf(name), { shape: shapes[name]! }])
  return engine.compile(
    ({ inputs, parameters }) => {
      const further = Object.fromEntries(names.map((name) => [name, inputs[inputOf(name)]!]))
      return step({ inputs, parameters: { ...parameters, ...further } })
    },
    { ...options, inputs: { ...options.inputs, ...Object.fromEntries(specs) } },
  )
}

/** A program of {@link compileForFurther} with the values of these parameters. */
export function withFurther(program: StepProgram, further: FurtherParameters): StepProgram {
  const tensors = Object.fromEntries(Object.entries(further).map(([name, tensor]) => [inputOf(name), tensor]))
  return { run: (inputs, options) => program.run({ ...inputs, ...tensors }, options) }
}
