import { type DataType, EngineError, type HostTensor, sizeOf } from '@tfx/common'
import {
  evaluateSize,
  type GraphProgram,
  type InputValue,
  narrowInputs,
  recompute,
  sparseOutputs,
  toOnnx,
  traceProgram,
} from '@tfx/compiler'
import type * as onnxruntime from 'onnxruntime-node'
import type { InferenceSession } from 'onnxruntime-node'
import { checkCompile, disposedProgram } from './check-compile'
import { checkInputs } from './check-inputs'
import { runStep } from './differentiate'
import type { CompileOptions, Engine, MemoryStore, NamedTensors, Program, StepFunction } from './engine'
import { clearGradient, createMemoryStore, startDenseGradient, writeSparseGradient } from './memory-store'
import { callNative } from './native-calls'
import { feedsOf, narrowTypes } from './parameter-feeds'
import { missingSeed } from './ops/random'
import { RandomBuffer } from './random-numbers'
import { allocateOutput, outputIn, refusedOutput, runInPlace } from './run-in-place'

/** Options of {@link createOnnxEngine}. */
export interface OnnxEngineOptions {
  /** Threads of each operation. Default: the number of physical cores, as onnxruntime counts them. */
  threads?: number
}

type Runtime = typeof onnxruntime

// A graph has one namespace; an input, a parameter and an output of a step may share their name.
const inputPrefix = 'input:'
const parameterPrefix = 'parameter:'
const outputPrefix = 'output:'
const gradientPrefix = 'gradient:'

const withPrefix = <T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]))

const withoutPrefix = (prefix: string, names: readonly string[]) =>
  names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))

/**
 * The engine that compiles: a step is traced once, differentiated, simplified, and run by the
 * native kernels of onnxruntime-node. Parameters live in WebAssembly memory that the kernels
 * read, and write gradients to, in place.
 */
export function createOnnxEngine({ threads }: OnnxEngineOptions = {}): Engine {
  const parallelism =
    threads === undefined ? 'a thread per core' : threads === 1 ? '1 thread' : `${threads} threads`
  return {
    name: 'onnx',
    description: `compiled to ONNX, run by onnxruntime-node on the CPU with ${parallelism}`,
    createStore: createMemoryStore,
    compile: (step, options) => compile(step, options, threads),
  }
}

async function compile(step: StepFunction, options: CompileOptions, threads = 0): Promise<Program> {
  const store = checkCompile(options, 'memory')
  const traced = checkpointed(traceStep(step, options), options)
  const program = store ? narrowInputs(traced, withPrefix(parameterPrefix, narrowTypes(store))) : traced
  // Loaded at the first use, so that another engine can run where its native library cannot.
  const runtime = await import('onnxruntime-node')
  const packed = options.packParameters && !options.gradients ? packedValues(store) : undefined
  const model = toOnnx(program, {
    leadingSequence: refusedOutput,
    ...(packed && { weights: packed, mergeNodes: true, precision: precisionOf(options) }),
  })
  const settings: InferenceSession.SessionOptions = {
    graphOptimizationLevel: 'all',
    // Patterns preallocate for one set of shapes; without them a step takes 27 % less memory.
    enableMemPattern: false,
    intraOpNumThreads: threads,
    executionMode: 'sequential',
    // Fatal only: what goes wrong is thrown, and need not be printed as well.
    logSeverityLevel: 4,
  }
  const session = await callNative(() => runtime.InferenceSession.create(model, settings))
  const isFed = (name: string) => packed?.(name) === undefined
  const inputs = program.inputs.filter(({ name }) => isFed(name))
  return createProgram({ runtime, session, program: { ...program, inputs }, options, store })
}

const precisionOf = ({ packParameters }: CompileOptions) =>
  packParameters === 'int8' ? 'int8Blocks' : packParameters === 'int4' ? 'int4' : 'float32'

/** A model file holds 2 GiB at most: larger models are fed from the store. */
const largestPacked = 1.9e9

/** The values of the parameters by the names of a program's inputs. */
function packedValues(
  store: MemoryStore | undefined,
): ((name: string) => Float32Array | undefined) | undefined {
  const shapes = store?.shapes ?? {}
  const bytes = Object.values(shapes).reduce((sum, shape) => sum + 4 * sizeOf(shape), 0)
  if (bytes > largestPacked) return undefined
  return (name) => {
    const parameter = name.startsWith(parameterPrefix) ? name.slice(parameterPrefix.length) : undefined
    if (parameter === undefined || !(parameter in shapes) || store!.narrow(parameter)) return undefined
    return store!.view(parameter)
  }
}

/** Records the step with its backward pass; named axes stay symbolic. */
function traceStep(
  step: StepFunction,
  { inputs, parameters, gradients, traceSizes, longerThan }: CompileOptions,
): GraphProgram {
  const shapes = parameters?.shapes ?? {}
  const specs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]))
  const kept: NamedTensors[string][] = []
  const compute = (tensors: NamedTensors): NamedTensors => {
    const pick = (prefix: string, names: object) =>
      Object.fromEntries(Object.keys(names).map((name) => [name, tensors[prefix + name]])) as NamedTensors
    const given = { inputs: pick(inputPrefix, inputs), parameters: pick(parameterPrefix, shapes) }
    const result = runStep(step, given, gradients)
    kept.push(...Object.values(result.outputs))
    return { ...withPrefix(outputPrefix, result.outputs), ...withPrefix(gradientPrefix, result.gradients) }
  }
  const allSpecs = { ...withPrefix(inputPrefix, inputs), ...withPrefix(parameterPrefix, specs) }
  try {
    return traceProgram(compute, allSpecs, {
      keepSparse: true,
      ...(traceSizes && { traceSizes }),
      ...(longerThan && { longerThan }),
    })
  } finally {
    for (const tensor of kept) tensor.dispose()
  }
}

/** The program with less of its forward pass kept, if that is asked for. */
function checkpointed(
  program: GraphProgram,
  { gradientCheckpointing, gradients }: CompileOptions,
): GraphProgram {
  if (!gradientCheckpointing || !gradients) return program
  const named = (prefix: string, values: readonly { readonly name: string }[]) =>
    values.flatMap(({ name }) => (name.startsWith(prefix) ? [name] : []))
  return recompute(program, {
    results: named(outputPrefix, program.outputs),
    sources: named(inputPrefix, program.inputs),
    ...(gradientCheckpointing !== true && gradientCheckpointing),
  })
}

interface ProgramParts {
  runtime: Runtime
  session: InferenceSession
  program: GraphProgram
  options: CompileOptions
  store: MemoryStore | undefined
}

function createProgram({ runtime, session, program, options, store }: ProgramParts): Program {
  const buffer = new RandomBuffer()
  const randomInputs = program.inputs.filter((input) => input.random !== undefined)
  const inputNames = program.inputs.map(({ name }) => name)
  const fedInputs = withoutPrefix(inputPrefix, inputNames)
  // Views of the store, made once: the memory that they look at never moves.
  const storeTensor = (name: string, slot: string) => {
    const memory = store!
    return new runtime.Tensor('float32', memory.view(name, slot), memory.shapes[name])
  }
  const parameterFeeds = store
    ? withPrefix(parameterPrefix, feedsOf(runtime, store, withoutPrefix(parameterPrefix, inputNames)))
    : {}
  const { dense, sparse, unreached, plain } = sortOutputs(program, options)
  // Dense gradients are written straight into their slots, everything else into new arrays.
  const gradientFetches = Object.fromEntries(
    dense.map((name) => [gradientPrefix + name, storeTensor(name, 'gradient')]),
  )
  const otherOutputs = program.outputs.filter(({ name }) => !(name in gradientFetches))
  // One run at a time: runs share the buffers of random numbers and gradients.
  let previous: Promise<unknown> = Promise.resolve()
  let released = false

  const run: Program['run'] = async (inputs, { seed, outputs: given = {} } = {}) => {
    const axes = checkInputs(options.inputs, inputs)
    const feeds: Record<string, onnxruntime.Tensor> = { ...parameterFeeds }
    for (const name of fedInputs) feeds[inputPrefix + name] = toRuntime(runtime, inputs[name]!)
    if (randomInputs.length > 0) {
      if (seed === undefined) throw missingSeed()
      const drawn = draw(buffer, randomInputs, { axes, seed })
      for (const [name, numbers] of Object.entries(drawn)) feeds[name] = toRuntime(runtime, numbers)
    }
    if (store) for (const name of dense) startDenseGradient(store, name)
    const results: Record<string, HostTensor> = {}
    const fetches: Record<string, onnxruntime.Tensor> = { ...gradientFetches }
    for (const { name, value } of otherOutputs) {
      const shape = (value.symbolicShape ?? value.shape).map((size) => evaluateSize(size, axes))
      const room = name.startsWith(outputPrefix) ? given[name.slice(outputPrefix.length)] : undefined
      results[name] = room ? outputIn(room, shape) : allocateOutput(value.dtype as DataType, shape)
      fetches[name] = toRuntime(runtime, results[name])
    }
    await runInPlace(session, feeds, fetches).catch((error: unknown) => {
      throw runFailure(error)
    })
    if (store) {
      for (const name of unreached) clearGradient(store, name)
      for (const name of sparse) {
        const { ids, rows } = sparseOutputs(gradientPrefix + name)
        writeSparseGradient(store, name, {
          ids: results[ids]?.data as Int32Array,
          rows: results[rows]?.data as Float32Array,
        })
      }
    }
    return Object.fromEntries(plain.map((name) => [name, results[outputPrefix + name]!]))
  }

  return {
    run(inputs, settings) {
      if (released) return Promise.reject(disposedProgram())
      const result = previous.then(() => run(inputs, settings))
      previous = result.catch(() => undefined)
      return result
    },
    async dispose() {
      if (released) return
      released = true
      await previous
      await callNative(() => session.release())
    },
  }
}

interface SortedOutputs {
  /** Parameters whose gradient is written to its slot by the run itself. */
  dense: string[]
  /** Parameters whose gradient comes as ids and rows. */
  sparse: string[]
  /** Parameters that the loss does not depend on. */
  unreached: string[]
  /** What the step returns. */
  plain: string[]
}

/** Tells the outputs of the step from its gradients, and what kind those are. */
function sortOutputs({ outputs, sparse }: GraphProgram, { gradients }: CompileOptions): SortedOutputs {
  const names = outputs.map(({ name }) => name)
  const wanted = gradients?.withRespectTo ?? []
  const isSparse = (name: string) => gradientPrefix + name in sparse
  const isDense = (name: string) => names.includes(gradientPrefix + name)
  return {
    dense: wanted.filter(isDense),
    sparse: wanted.filter(isSparse),
    unreached: wanted.filter((name) => !isDense(name) && !isSparse(name)),
    plain: withoutPrefix(outputPrefix, names),
  }
}

function draw(
  buffer: RandomBuffer,
  inputs: readonly InputValue[],
  { axes, seed }: { axes: Record<string, number>; seed: number },
): Record<string, HostTensor> {
  const requests = inputs.map(({ name, shape, symbolicShape, random }) => ({
    shape: (symbolicShape ?? shape).map((size) => evaluateSize(size, axes)),
    random: random!,
    index: Number(name.slice(name.lastIndexOf('_') + 1)),
  }))
  const filled = buffer.fill(requests, seed)
  return Object.fromEntries(
    inputs.map(({ name }, index) => {
      const data = filled[index]!
      return [name, { dtype: 'float32', shape: requests[index]?.shape ?? [], data }]
    }),
  )
}

function toRuntime({ Tensor }: Runtime, { dtype, data, shape }: HostTensor): onnxruntime.Tensor {
  return dtype === 'bool'
    ? new Tensor('bool', data as Uint8Array, shape)
    : new Tensor(dtype, data as Float32Array, shape)
}

const runFailure = (error: unknown) =>
  new EngineError({
    function: 'run',
    received: `refused by onnxruntime: ${error instanceof Error ? error.message : String(error)}`,
    remedy:
      'If it is out of memory, use a smaller batch or shorter texts; indices must be within their tables.',
    cause: error,
  })
