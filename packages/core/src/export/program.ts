import {
  type ExternalData,
  type GraphProgram,
  type SymbolicTensorSpec,
  toOnnx,
  traceProgram,
  type TraceableFunction,
} from '@tfx/compiler'
import type { ParameterSpecs } from '../blocks/parameters'

/** The files that Transformers.js looks for under `onnx/`, by their precision. */
export const onnxFiles = {
  float32: 'model.onnx',
  float16: 'model_fp16.onnx',
  int8: 'model_quantized.onnx',
  int4: 'model_q4.onnx',
} as const

export type OnnxPrecision = keyof typeof onnxFiles

/**
 * Gives the bytes of a file at a precision; the model is traced once for all of them.
 *
 * @param external Takes the weights, for a file beside it: a model beyond 2 GB needs one. Transformers.js finds it as
 *   the name of the file with `_data` behind, and is told by `use_external_data_format`.
 *
 * @example
 * ```ts
 * const data = openSync('onnx/model.onnx_data', 'w')
 * const external = { location: 'model.onnx_data', write: (bytes: Uint8Array) => void writeSync(data, bytes) }
 * writeFileSync('onnx/model.onnx', toBytes('float32', external))
 * closeSync(data)
 * ```
 */
export type OnnxWriter = (precision: OnnxPrecision, external?: ExternalData) => Uint8Array

/** What {@link exportProgram} writes. */
export interface ExportedProgram {
  readonly compute: TraceableFunction
  /** What is fed; integers as int64. */
  readonly inputs: Readonly<Record<string, SymbolicTensorSpec>>
  /** What is stored. */
  readonly specs: ParameterSpecs
  /** The values of a parameter. */
  readonly read: (name: string) => Promise<Float32Array>
  /** Where axes depend on each other: see `traceProgram`. */
  readonly traceSizes?: readonly Readonly<Record<string, number>>[]
}

/** A function of inputs and parameters as ONNX. */
export async function exportProgram({
  compute,
  inputs,
  specs,
  read,
  traceSizes,
}: ExportedProgram): Promise<OnnxWriter> {
  const weights = new Map<string, Float32Array>()
  for (const name of Object.keys(specs)) weights.set(name, await read(name))
  const shapes = Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, { shape }]))
  const program: GraphProgram = traceProgram(
    compute,
    { ...inputs, ...shapes },
    traceSizes ? { traceSizes } : {},
  )
  const integers = Object.entries(inputs).filter(([, { dtype }]) => dtype === 'int32')
  const inputTypes = Object.fromEntries(integers.map(([name]) => [name, 'int64' as const]))
  return (precision, external) =>
    toOnnx(program, { weights: (name) => weights.get(name), inputTypes, precision, external })
}
