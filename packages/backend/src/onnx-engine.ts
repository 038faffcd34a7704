import { EngineError, type HostTensor } from '@tfx/common'
import {
  evaluateSize,
  type GraphProgram,
  type InputValue,
  isTracing,
  sparseOutputs,
  type tf,
  toOnnx,
  traceProgram,
} from '@tfx/compiler'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { checkInputs } from './check-inputs'
import { runStep } from './differentiate'
import { DropoutMasks } from './dropout-masks'
import type { CompileOptions, Engine, MemoryStore, Program, StepFunction } from './engine'
import { createMemoryStore, gradientRows } from './memory-store'
import { missingSeed } from './ops/dropout'
import { addSparseRows } from './sparse-rows'

/** Options of {@link createOnnxEngine}. */
export interface OnnxEngineOptions {
  /** Threads of each operation. Default: the number of physical cores, as onnxruntime counts them. */
  threads?: number
}

const parameterPrefix = 'parameter:'
const gradientPrefix = 'gradient:'

/**
 * The engine that compiles: a step is traced once, differentiated, simplified, and run by the
 * native kernels of onnxruntime-node. Parameters live in WebAssembly memory that the kernels
 * read, and write gradients to, in place.
 */
export function createOnnxEngine({ threads }: OnnxEngineOptions = {}): Engine {
  return {
    name: 'onnx',
    description: `compiled to ONNX, run by onnxruntime-node on the CPU (${threads ?? 'all'} threads)`,
    createStore: createMemoryStore,
    compile: (step, options) => compile(step, options, threads),
  }
}

async function compile(step: StepFunction, options: CompileOptions, threads = 0): Promise<Program> {
  const store = memoryStoreOf(options)
  const program = traceStep(step, options)
  const session = await InferenceSession.create(toOnnx(program), {
    graphOptimizationLevel: 'all',
    // Patterns preallocate for one set of shapes; without them a step takes 27 % less memory.
    enableMemPattern: false,
    intraOpNumThreads: threads,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  })
  return createProgram({ session, program, options, store })
}

/** Records the step with its backward pass; named axes stay symbolic. */
function traceStep(step: StepFunction, { inputs, parameters, gradients }: CompileOptions): GraphProgram {
  const parameterSpecs = Object.entries(parameters?.shapes ?? {}).map(([name, shape]) => {
    return [parameterPrefix + name, { shape }] as const
  })
  const compute = (tensors: Record<string, tf.Tensor>) => {
    const pick = (names: readonly string[], prefix = '') =>
      Object.fromEntries(names.map((name) => [name, tensors[prefix + name] as tf.Tensor]))
    const result = runStep(
      step,
      { inputs: pick(Object.keys(inputs)), parameters: pick(Object.keys(parameters?.shapes ?? {}), parameterPrefix) },
      gradients,
    )
    const named = Object.entries(result.gradients).map(([name, tensor]) => [gradientPrefix + name, tensor])
    return { ...result.outputs, ...(Object.fromEntries(named) as Record<string, tf.Tensor>) }
  }
  return traceProgram(compute, { ...inputs, ...Object.fromEntries(parameterSpecs) }, { keepSparse: true })
}

interface ProgramParts {
  session: InferenceSession
  program: GraphProgram
  options: CompileOptions
  store: MemoryStore | undefined
}

function createProgram({ session, program, options, store }: ProgramParts): Program {
  const masks = new DropoutMasks()
  const maskInputs = program.inputs.filter((input) => input.dropoutRate !== undefined)
  const fedInputs = program.inputs.filter(({ name }) => name in options.inputs)
  const fixedFeeds = parameterFeeds(program.inputs, store)
  const sparse = new Set(Object.keys(program.sparse).flatMap((name) => Object.values(sparseOutputs(name))))
  const fetches = outputFetches(program, store)
  const outputNames = Object.keys(fetches).filter((name) => !name.startsWith(gradientPrefix) && !sparse.has(name))
  const wanted = options.gradients?.withRespectTo ?? []
  const produced = new Set([...program.outputs.map(({ name }) => name), ...Object.keys(program.sparse)])
  const unreached = wanted.filter((name) => !produced.has(gradientPrefix + name))
  let released = false

  return {
    async run(inputs, { seed } = {}) {
      if (released) throw disposed()
      const axes = checkInputs(options.inputs, inputs)
      const feeds: Record<string, Tensor> = { ...fixedFeeds }
      for (const { name } of fedInputs) feeds[name] = toOrt(inputs[name] as HostTensor)
      if (maskInputs.length > 0) {
        if (seed === undefined) throw missingSeed()
        Object.assign(feeds, maskFeeds(masks, maskInputs, { axes, seed }))
      }
      const results = await session.run(feeds, fetches).catch((error: unknown) => {
        throw runFailure(error)
      })
      if (store) {
        for (const name of unreached) store.view(name, 'gradient').fill(0)
        for (const name of Object.keys(program.sparse)) writeSparseGradient(store, name, results)
      }
      return Object.fromEntries(outputNames.map((name) => [name, toHost(results[name] as Tensor)]))
    },
    async dispose() {
      if (released) return
      released = true
      await session.release()
    },
  }
}

/** Views of the parameters, made once: the memory they look at never moves. */
function parameterFeeds(inputs: readonly InputValue[], store: MemoryStore | undefined): Record<string, Tensor> {
  const names = inputs.flatMap(({ name }) => (name.startsWith(parameterPrefix) ? [name] : []))
  return Object.fromEntries(names.map((name) => [name, storeTensor(store as MemoryStore, name.slice(parameterPrefix.length), 'value')]))
}

/** Dense gradients are written straight into their slots; everything else is allocated by the run. */
function outputFetches({ outputs, sparse }: GraphProgram, store: MemoryStore | undefined): Record<string, Tensor | null> {
  return Object.fromEntries(
    outputs.map(({ name }) => {
      const isSparsePart = Object.keys(sparse).some((whole) => Object.values(sparseOutputs(whole)).includes(name))
      const isGradient = name.startsWith(gradientPrefix) && !isSparsePart
      return [name, isGradient ? storeTensor(store as MemoryStore, name.slice(gradientPrefix.length), 'gradient') : null]
    }),
  )
}

const storeTensor = (store: MemoryStore, name: string, slot: string) =>
  new Tensor('float32', store.view(name, slot), store.shapes[name] as readonly number[])

function maskFeeds(
  masks: DropoutMasks,
  inputs: readonly InputValue[],
  { axes, seed }: { axes: Record<string, number>; seed: number },
): Record<string, Tensor> {
  const requests = inputs.map(({ name, shape, symbolicShape, dropoutRate }) => ({
    shape: (symbolicShape ?? shape).map((size) => evaluateSize(size, axes)),
    rate: dropoutRate as number,
    index: Number(name.slice(name.lastIndexOf('_') + 1)),
  }))
  const filled = masks.fill(requests, seed)
  return Object.fromEntries(
    inputs.map(({ name }, index) => {
      return [name, new Tensor('float32', filled[index] as Float32Array, requests[index]?.shape ?? [])]
    }),
  )
}

function writeSparseGradient(store: MemoryStore, output: string, results: InferenceSession.OnnxValueMapType): void {
  const name = output.slice(gradientPrefix.length)
  const { ids, rows } = sparseOutputs(output)
  const rowIds = (results[ids] as Tensor).data as Int32Array
  const target = store.view(name, 'gradient')
  const history = gradientRows.get(store) ?? new Map<string, Int32Array>()
  gradientRows.set(store, history)
  addSparseRows(target, { ids: rowIds, rows: (results[rows] as Tensor).data as Float32Array, stale: history.get(name) })
  history.set(name, rowIds)
}

function toOrt({ dtype, data, shape }: HostTensor): Tensor {
  return dtype === 'bool' ? new Tensor('bool', data as Uint8Array, shape) : new Tensor(dtype, data as Float32Array, shape)
}

function toHost({ type, data, dims }: Tensor): HostTensor {
  return { dtype: type as 'float32', data: data as Float32Array, shape: dims }
}

function memoryStoreOf({ parameters, gradients }: CompileOptions): MemoryStore | undefined {
  if (isTracing()) throw misuse('not called while tracing', 'a call inside a traced function')
  if (parameters && parameters.kind !== 'memory') throw misuse('a store of this engine', 'a store of another engine')
  if (gradients && !parameters?.slots.includes('gradient')) throw misuse("a store with a 'gradient' slot", 'none')
  return parameters
}

const misuse = (expected: string, received: string) =>
  new EngineError({
    function: 'compile',
    argument: 'parameters',
    expected,
    received,
    remedy: "Create the store by engine.createStore(shapes, ['gradient', …]) of the engine that compiles.",
  })

const disposed = () =>
  new EngineError({
    function: 'run',
    argument: 'program',
    expected: 'not disposed',
    received: 'one that was disposed',
    remedy: 'Compile the step again.',
  })

const runFailure = (error: unknown) =>
  new EngineError({
    function: 'run',
    received: `refused by onnxruntime: ${error instanceof Error ? error.message : String(error)}`,
    remedy: 'If it is out of memory, use a smaller batch or shorter texts; indices must be within their tables.',
    cause: error,
  })
