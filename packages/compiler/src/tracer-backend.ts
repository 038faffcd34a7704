import { type DataType, type DataTypeArrays, TraceError } from '@tfx/common'
import { type Graph, isSplat, type Traced } from './graph'
import { kernels } from './kernels/index'
import { tf } from './tf'

/** The name under which the backend is registered while a trace runs. */
export const tracerName = 'tfx-tracer'

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }

/** A tfjs backend whose kernels do not compute: they record what they were asked to do. */
// Extending is how tfjs defines backends; nothing is inherited but 'not implemented' errors.
export class TracerBackend extends tf.KernelBackend {
  private readonly values = new WeakMap<object, Traced>()
  private count = 0

  constructor(readonly graph: Graph) {
    super()
  }

  /** A tensor that stands for a value. */
  tensor(value: Traced): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.put(value), this)
  }

  /** What a tensor stands for; one from outside of the trace is a constant with the values that it has now. */
  tracedValue({ dataId, shape, dtype }: tf.TensorInfo): Traced {
    const known = this.values.get(dataId)
    if (known) return known
    const data = tf.engine().readSync(dataId) as DataTypeArrays[DataType]
    const value = this.graph.constant(data, shape, dtype as DataType)
    this.values.set(dataId, value)
    return value
  }

  put(value: Traced): tf.TensorInfo {
    const dataId = {}
    this.values.set(dataId, value)
    this.count++
    return { dataId, shape: [...value.shape], dtype: value.dtype as DataType }
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    return this.put(this.graph.constant(values as DataTypeArrays[DataType], shape, dtype as DataType)).dataId
  }

  override readSync(dataId: object): tf.BackendValues {
    const value = this.values.get(dataId)
    if (value && isSplat(value)) {
      const size = value.shape.reduce((product, length) => product * length, 1)
      return new arrays[value.dtype as DataType](size).fill(value.splat)
    }
    if (value?.kind === 'constant' && value.data) return value.data
    const origin = value?.kind === 'node' ? `the result of '${value.node.op}'` : 'an input'
    throw new TraceError({
      function: 'trace',
      argument: 'the traced function',
      expected: 'free of reads (data, dataSync, print, if on a tensor)',
      received: `a read of ${origin}, which has no value while tracing`,
      remedy: 'Express the choice with tf.where, or compute it outside and pass it as an input.',
    })
  }

  // The engine awaits this form; the error must reach the caller as a rejection.
  override async read(dataId: object): Promise<tf.BackendValues> {
    return this.readSync(dataId)
  }

  override disposeData(): boolean {
    this.count--
    return true
  }

  override refCount(): number {
    return 1
  }
  override incRef(): void {}
  decRef(): void {}
  override numDataIds(): number {
    return this.count
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true }
  }
  override floatPrecision(): 32 {
    return 32
  }
  override timerAvailable(): boolean {
    return false
  }
  override dispose(): void {}
}

/** Tells tfjs about the kernels, once in a process. */
export function registerTracerKernels(): void {
  if (tf.getKernelsForBackend(tracerName).length > 0) return
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: tracerName,
      kernelFunc: ({ inputs, attrs, backend }) => {
        const tracer = backend as TracerBackend
        const named = Object.fromEntries(
          Object.entries(inputs).flatMap(([name, info]) => (info ? [[name, tracer.tracedValue(info)]] : [])),
        )
        const attributes = attrs ?? {}
        const result = kernel({ graph: tracer.graph, inputs: named, list: Object.values(named), attributes })
        return Array.isArray(result)
          ? result.map((value: Traced) => tracer.put(value))
          : tracer.put(result as Traced)
      },
    })
  }
}
