import { EngineError, type HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { checkCompile, disposedProgram } from './check-compile'
import { checkInputs } from './check-inputs'
import { runStep } from './differentiate'
import type { CompileOptions, Engine, NamedTensors, Program, StepFunction, TensorStore } from './engine'
import { withSeed } from './ops/random'
import { RandomBuffer } from './random-numbers'
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
    const known = Object.keys(tf.engine().registryFactory)
    throw new EngineError({
      function: 'createTfjsEngine',
      argument: 'backend',
      expected:
        known.length === 0
          ? 'a registered tfjs backend'
          : `one of the registered tfjs backends (${known.join(', ')})`,
      received: backend ? `'${backend}'` : 'none',
      remedy: "Import one first, for instance '@tensorflow/tfjs-node-gpu' or '@tensorflow/tfjs-backend-cpu'.",
    })
  }
  return {
    name: `tfjs:${backend}`,
    description: `run eagerly by the TensorFlow.js backend '${backend}'`,
    createStore(shapes, slots, { narrow = {} } = {}) {
      if (Object.keys(narrow).length > 0) throw noNarrow(backend)
      void tf.setBackend(backend)
      return createTensorStore(shapes, slots)
    },
    async compile(step, options) {
      const store = checkCompile(options, 'tensor')
      await tf.setBackend(backend)
      return createProgram({ step, options, store, backend })
    },
  }
}

interface ProgramParts {
  step: StepFunction
  options: CompileOptions
  store: TensorStore | undefined
  backend: string
}

function createProgram({ step, options, store, backend }: ProgramParts): Program {
  const buffer = new RandomBuffer()
  let released = false

  const compute = (inputs: Record<string, HostTensor>, seed: number | undefined) => {
    const parameters = Object.keys(store?.shapes ?? {}).map((name) => [name, store!.tensor(name)])
    const tensors = {
      inputs: mapValues(options.inputs, (_, name) => toTensor(inputs[name]!)),
      parameters: Object.fromEntries(parameters) as NamedTensors,
    }
    const { outputs, gradients } = withSeed(seed, buffer, () => runStep(step, tensors, options.gradients))
    for (const name of options.gradients?.withRespectTo ?? []) {
      const gradient = gradients[name] ?? tf.zerosLike(tensors.parameters[name] as tf.Tensor)
      store?.replace(name, gradient, 'gradient')
    }
    return mapValues(outputs, (tensor) => tf.keep(tensor))
  }

  return {
    async run(inputs, { seed } = {}) {
      if (released) throw disposedProgram()
      checkInputs(options.inputs, inputs)
      await tf.setBackend(backend)
      const outputs = tf.tidy(() => compute(inputs, seed))
      try {
        const results = Object.entries(outputs).map(
          async ([name, tensor]) => [name, await toHost(tensor)] as const,
        )
        return Object.fromEntries(await Promise.all(results))
      } finally {
        tf.dispose(outputs)
      }
    },
    dispose() {
      released = true
      return Promise.resolve()
    },
  }
}

function mapValues<From, To>(
  record: Record<string, From>,
  change: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]))
}

// Backends may keep the array that they are given, so they get their own.
const toTensor = ({ data, shape, dtype }: HostTensor) => tf.tensor(data.slice(), [...shape], dtype)

async function toHost(tensor: tf.Tensor): Promise<HostTensor> {
  const data = (await tensor.data()) as Float32Array
  // A view of the backend's own array, which may be that of a parameter, on some backends.
  return { dtype: tensor.dtype as 'float32', shape: tensor.shape, data: data.slice() }
}

const noNarrow = (backend: string) =>
  new EngineError({
    function: 'createStore',
    argument: 'narrow',
    expected: 'left out on a tfjs engine, which computes with float32 tensors only',
    received: `asked for with the backend '${backend}'`,
    remedy: "Leave it out, or choose the compiled engine with setEngine('onnx').",
  })
