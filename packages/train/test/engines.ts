import type {
  CompileOptions,
  Engine,
  NamedTensors,
  ParameterStore,
  Program,
  StepFunction,
} from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { storeKinds } from './stores'

/** Engines with either kind of store; each computes eagerly on tfjs-cpu. */
export const engines: readonly [string, Engine][] = storeKinds.map(([kind, createStore]) => [
  kind,
  {
    name: `test:${kind}`,
    description: 'tfjs-cpu',
    createStore: (shapes, slots = []) => createStore(shapes, slots),
    compile: (step, options) => Promise.resolve(eagerProgram(step, options)),
  },
])

function eagerProgram(step: StepFunction, { parameters: store, gradients }: CompileOptions): Program {
  if (store === undefined || gradients === undefined) throw new Error('for training only')
  const { of, withRespectTo: names } = gradients
  return {
    async run(inputs) {
      const values = Object.entries(inputs).map(([name, { data, shape, dtype }]) => [
        name,
        tf.tensor(data, [...shape], dtype),
      ])
      const tensors = Object.fromEntries(values) as NamedTensors
      const parameters = Object.fromEntries(
        await Promise.all(names.map((name) => valueOf(store, name))),
      ) as NamedTensors
      const loss = (...given: tf.Tensor[]) =>
        step({
          inputs: tensors,
          parameters: Object.fromEntries(names.map((name, i) => [name, given[i] as tf.Tensor])),
        })[of] as tf.Scalar
      const { value, grads } = tf.valueAndGrads(loss)(Object.values(parameters))
      for (const [index, name] of names.entries()) {
        store.write(name, Float32Array.from(await (grads[index] as tf.Tensor).data()), 'gradient')
      }
      const output: HostTensor = { dtype: 'float32', shape: [], data: Float32Array.from(await value.data()) }
      tf.dispose([tensors, parameters, value, grads])
      return { [of]: output }
    },
    dispose: () => Promise.resolve(),
  }
}

async function valueOf(store: ParameterStore, name: string): Promise<[string, tf.Tensor]> {
  return [name, tf.tensor(await store.read(name), [...(store.shapes[name] ?? [])])]
}
