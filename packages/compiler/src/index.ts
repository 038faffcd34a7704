export {
  type GraphNode,
  type InputValue,
  type NarrowType,
  type NodeValue,
  type RandomNumbers,
  type Size,
  type Value,
} from './graph'
export { kernels } from './kernels/index'
export { encodeModel, type OnnxModel } from './onnx/protobuf'
export { type OnnxOptions, toOnnx } from './onnx/emit'
export type { ExternalData } from './onnx/protobuf'
export { narrowInputs, scalesInput } from './passes/narrow-inputs'
export { recompute, type RecomputeOptions } from './passes/recompute'
export { finish, type GraphProgram, sparseOutputs } from './program'
export { type AxisSizes, describeSize, evaluateSize, type SymbolicSize } from './symbolic'
export { tf } from './tf'
export { isTracing, trace, type Trace, type TensorSpec, type TraceableFunction } from './trace'
export { type SymbolicTensorSpec, traceProgram, type TraceProgramOptions } from './trace-dynamic'
export { unify } from './unify'
