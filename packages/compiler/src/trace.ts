import { type DataType, TraceError } from '@tfx/common'
import { Graph, type Traced } from './graph'
import { kernels } from './kernels/index'
import { tf } from './tf'
import { registerTracerKernels, TracerBackend, tracerName } from './tracer-backend'

/** The shape and type of one input of a traced function. */
export interface TensorSpec {
  readonly shape: readonly number[]
  /** Default `float32`. */
  readonly dtype?: DataType
}

/** A function of named tensors, such as a model or a whole training step. */
export type TraceableFunction = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>

/** What tracing recorded. */
export interface Trace {
  readonly graph: Graph
  /** Output name → what it stands for; embedding gradients are still sparse here. */
  readonly outputs: Readonly<Record<string, Traced>>
}

/**
 * Runs a tfjs function once on tensors without values and records every op, gradients included.
 *
 * @param compute A pure function: it must not read values back nor keep tensors.
 * @param inputs The specification of each input.
 * @throws TraceError if the function reads a value or uses an op that is not supported.
 *
 * @example
 * ```ts
 * const { graph, outputs } = trace(({ x, w }) => ({ y: tf.relu(tf.matMul(x, w)) }), {
 *   x: { shape: [4, 8] },
 *   w: { shape: [8, 2] },
 * })
 * ```
 */
export function trace(compute: TraceableFunction, inputs: Readonly<Record<string, TensorSpec>>): Trace {
  if (isTracing()) throw invalid('called outside of a traced function', 'a call inside of one')
  const graph = new Graph()
  const backend = new TracerBackend(graph)
  const previous = tf.engine().backendName
  registerTracerKernels()
  tf.registerBackend(tracerName, () => backend)
  try {
    // A factory that is not async makes setBackend finish before it returns: tracing is one
    // uninterrupted piece, so no other code ever runs while the tracer is the backend.
    void tf.setBackend(tracerName)
    const outputs: Record<string, Traced> = {}
    tf.tidy(() => {
      const tensors = Object.entries(inputs).map(([name, { shape, dtype = 'float32' }]) => {
        return [name, backend.tensor(graph.input({ name, shape, dtype }))]
      })
      const results: unknown = compute(Object.fromEntries(tensors) as Record<string, tf.Tensor>)
      for (const [name, tensor] of namedTensors(results)) outputs[name] = backend.tracedValue(tensor)
    })
    return { graph, outputs }
  } catch (error) {
    releaseTape()
    throw explain(error)
  } finally {
    tf.removeBackend(tracerName)
    if (previous) void tf.setBackend(previous)
  }
}

/** A gradient that fails leaves the tensors that it saved: tfjs disposes them only when it succeeds. */
function releaseTape(): void {
  const { state } = tf.engine()
  if (state.gradientDepth > 0) return
  // Between gradients tfjs sets it to null, against its own type.
  const tape = state.activeTape as { saved?: tf.Tensor[] }[] | null
  for (const { saved = [] } of tape ?? []) tf.dispose(saved)
  state.activeTape = []
}

/** Checks what a traced function returned: TypeScript's word is not enough where JavaScript calls. */
function namedTensors(results: unknown): [string, tf.Tensor][] {
  if (results instanceof Promise) throw invalid('synchronous', 'a function that returns a Promise')
  const isRecord = typeof results === 'object' && results !== null && !(results instanceof tf.Tensor)
  if (!isRecord) throw invalid('a function that returns a record of tensors', describe(results))
  for (const [name, value] of Object.entries(results)) {
    if (!(value instanceof tf.Tensor))
      throw invalid('a function that returns only tensors', `${describe(value)} as '${name}'`)
  }
  return Object.entries(results) as [string, tf.Tensor][]
}

const describe = (value: unknown) =>
  value instanceof tf.Tensor ? 'a tensor' : value === null ? 'null' : typeof value

function invalid(expected: string, received: string): TraceError {
  return new TraceError({
    function: 'trace',
    argument: 'the traced function',
    expected,
    received,
    remedy: 'Write it as a plain function from a record of tensors to a record of tensors.',
  })
}

/** True while a function is being traced: fused ops then use their private kernels. */
export function isTracing(): boolean {
  return tf.engine().backendName === tracerName
}

/** tfjs's own message for a missing kernel tells users to install a backend, which would not help. */
function explain(error: unknown): unknown {
  const missing =
    error instanceof Error && /Kernel '(\w+)' not registered|registered kernel '?(\w+)/i.exec(error.message)
  if (!missing) return error
  const op = missing[1] ?? missing[2]
  const supported = Object.keys(kernels).filter((name) => !name.startsWith('Tfx'))
  return new TraceError({
    function: 'trace',
    argument: 'the traced function',
    expected: `made of the supported ops (${supported.sort().join(', ')})`,
    received: `a call of '${op}'`,
    remedy: `Compose '${op}' from supported ops.`,
    cause: error,
  })
}
