import { EngineError, type HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { checkInputs } from './check-inputs'
import { runStep } from './differentiate'
import { DropoutMasks } from './dropout-masks'
import type { CompileOptions, Engine, NamedTensors, Program, StepFunction, TensorStore } from './engine'
import { withDropoutSeed } from './ops/dropout'
import { createTensorStore } from './tensor-store'

/**
 * The engine that runs steps eagerly on a registered tfjs backend: `tensorflow` (tfjs-node and
 * tfjs-node-gpu), `cpu`, `wasm`, …
 *
 * @param backend The name under which the backend is registered. Default: the current one.
 * @throws EngineError if no such backend is registered.
 */
export function createTfjsEngine(backend: string = tf.engine().backendName): Engine {
  if (!backend || !(backend in tf.engine().registryFactory)) {
    throw new EngineError({
      function: 'createTfjsEngine',
      argument: 'backend',
      expected: `a registered tfjs backend (${Object.keys(tf.engine().registryFactory).join(', ') || 'none is'})`,
      received: `'${backend}'`,
      remedy: "Import one first, for instance '@tensorflow/tfjs-node-gpu' or '@tensorflow/tfjs-backend-cpu'.",
    })
  }
  return {
    name: `tfjs:${backend}`,
    description: `run eagerly by the TensorFlow.js backend '${backend}'`,
    createStore(shapes, slots) {
      void tf.setBackend(backend)
      return createTensorStore(shapes, slots)
    },
    async compile(step, options) {
      await tf.setBackend(backend)
      return createProgram(step, options, backend)
    },
  }
}

function createProgram(step: StepFunction, options: CompileOptions, backend: string): Program {
  const store = options.parameters as TensorStore | undefined
  const masks = new DropoutMasks()
  return {
    async run(inputs, { seed } = {}) {
      checkInputs(options.inputs, inputs)
      await tf.setBackend(backend)
      const names = Object.keys(options.inputs)
      const outputs = tf.tidy(() => {
        const tensors = {
          inputs: Object.fromEntries(names.map((name) => [name, toTensor(inputs[name] as HostTensor)])),
          parameters: Object.fromEntries(Object.keys(store?.shapes ?? {}).map((name) => [name, (store as TensorStore).tensor(name)])),
        }
        const result = withDropoutSeed(seed, masks, () => runStep(step, tensors, options.gradients))
        if (store && options.gradients) storeGradients(store, result.gradients, options.gradients.withRespectTo)
        for (const tensor of Object.values(result.outputs)) tf.keep(tensor)
        return result.outputs
      })
      const results = await Promise.all(Object.entries(outputs).map(async ([name, tensor]) => [name, await toHost(tensor)]))
      tf.dispose(outputs)
      return Object.fromEntries(results) as Record<string, HostTensor>
    },
    dispose: () => Promise.resolve(),
  }
}

function storeGradients(store: TensorStore, gradients: NamedTensors, names: readonly string[]): void {
  for (const name of names) {
    const gradient = gradients[name] ?? tf.zeros([...(store.shapes[name] as readonly number[])])
    store.replace(name, gradient, 'gradient')
  }
}

const toTensor = ({ data, shape, dtype }: HostTensor) => tf.tensor(data, [...shape], dtype)

async function toHost(tensor: tf.Tensor): Promise<HostTensor> {
  return { dtype: tensor.dtype as 'float32', shape: tensor.shape, data: (await tensor.data()) as Float32Array }
}
