import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import type { Engine, InputSpec, NamedTensors, Program } from '../src/index'
import { type FixtureCase, toHostTensor } from './fixture-tensors'
import { ops } from './ops'
import { get } from './engines'

/** An op compiled on an engine with the gradient of Σ (first output · upstream). */
export interface OpProgram {
  run(inputs: Record<string, HostTensor>): Promise<{
    outputs: Record<string, Float32Array>
    gradients: Record<string, Float32Array>
  }>
  dispose(): Promise<void>
}

/** The inputs of a case, with the upstream gradient among them. */
export const caseInputs = ({ inputs, upstream }: FixtureCase): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries({ ...inputs, upstream }).map(([name, tensor]) => [name, toHostTensor(tensor)]),
  )

/**
 * @param dynamic Name the first axis of x, logits, labels or ids and of the upstream gradient instead of fixing it.
 */
export async function compileCase(
  engine: Engine,
  op: string,
  { fixture, dynamic = false }: { fixture: FixtureCase; dynamic?: boolean },
): Promise<OpProgram> {
  const names = Object.keys(fixture.gradients)
  const tensors = caseInputs(fixture)
  const fixed = new Set(['weight', 'bias', 'table', 'runningMean', 'runningVariance'])
  const shapeOf = (name: string): InputSpec['shape'] => {
    const { shape } = tensors[name]!
    return dynamic && !fixed.has(name) && shape.length > 0 ? ['batch', ...shape.slice(1)] : shape
  }
  // In a store are the parameters; an axis that is named can only be one of an input.
  const stored = names.filter((name) => !dynamic || fixed.has(name))
  const fed = Object.keys(tensors).filter((name) => !stored.includes(name))
  const compute = ({ inputs, parameters }: { inputs: NamedTensors; parameters: NamedTensors }) => {
    const outputs = ops[op]!({ ...inputs, ...parameters }, fixture.attributes)
    const [first] = Object.values(outputs) as [tf.Tensor]
    return { ...outputs, objective: tf.sum(tf.mul(first, get(inputs, 'upstream'))) }
  }
  const store = engine.createStore(Object.fromEntries(stored.map((name) => [name, tensors[name]!.shape])), [
    'gradient',
  ])
  const program: Program = await engine.compile(compute, {
    inputs: Object.fromEntries(
      fed.map((name) => [name, { shape: shapeOf(name), dtype: tensors[name]!.dtype }]),
    ),
    parameters: store,
    ...(stored.length > 0 && { gradients: { of: 'objective', withRespectTo: stored } }),
  })
  return {
    async run(inputs) {
      for (const name of stored) store.write(name, (inputs[name] as HostTensor<'float32'>).data)
      const results = await program.run(Object.fromEntries(fed.map((name) => [name, inputs[name]!])))
      const gradients = await Promise.all(
        stored.map(async (name) => [name, await store.read(name, 'gradient')] as const),
      )
      const outputs = Object.entries(results).map(([name, { data }]) => [name, data as Float32Array] as const)
      return { outputs: Object.fromEntries(outputs), gradients: Object.fromEntries(gradients) }
    },
    async dispose() {
      await program.dispose()
      store.dispose()
    },
  }
}
