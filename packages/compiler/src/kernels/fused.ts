import type { Graph, InputValue, RandomNumbers, Traced } from '../graph'
import { gatherLast, scatterAddLast } from '../ops/indexing'
import { materialize } from '../ops/values'
import type { KernelTable } from './kernel'

/**
 * Private kernels: operations that ONNX has and tfjs has not. `@tfx/backend` calls them from its
 * fused ops while tracing, and composes plain tfjs ops otherwise.
 */
export const fusedKernels: KernelTable = {
  /** inputs x, weight, bias; attribute epsilon → normalized x, mean, inverse standard deviation */
  TfxLayerNorm: ({ graph, inputs, attributes }) => {
    const { x, weight, bias } = inputs as { x: Traced; weight: Traced; bias: Traced }
    const statistics = { shape: [...x.shape.slice(0, -1), 1], dtype: x.dtype }
    return graph.node({
      op: 'LayerNormalization',
      inputs: [x, weight, bias].map((value) => materialize(graph, value)),
      attributes: { axis: -1, epsilon: { float: attributes.epsilon as number } },
      outputs: [{ shape: x.shape, dtype: x.dtype }, statistics, statistics],
    })
  },
  /** inputs x, weight; attribute epsilon → normalized x, inverse root of the mean square */
  TfxRmsNorm: ({ graph, inputs, attributes }) => {
    const { x, weight } = inputs as { x: Traced; weight: Traced }
    const statistics = { shape: [...x.shape.slice(0, -1), 1], dtype: x.dtype }
    return graph.node({
      // onnxruntime has it under this name for every opset; ONNX itself, as RMSNormalization, from opset 23.
      op: 'SimplifiedLayerNormalization',
      inputs: [x, weight].map((value) => materialize(graph, value)),
      attributes: { axis: -1, epsilon: { float: attributes.epsilon as number } },
      outputs: [{ shape: x.shape, dtype: x.dtype }, statistics],
    })
  },
  /** input x; attribute approximate: none | tanh */
  TfxGelu: ({ graph, inputs, attributes }) => {
    const x = materialize(graph, inputs.x!)
    const { shape, dtype } = x
    return graph.single({
      op: 'Gelu',
      inputs: [x],
      attributes: { approximate: attributes.approximate as string },
      shape,
      dtype,
    })
  },
  /** inputs x [..., n], indices [...] → x[..., indices] */
  TfxGatherLast: ({ graph, inputs }) => gatherLast(graph, inputs.x!, inputs.indices!),
  /** inputs x [..., n], indices [...], updates [...] → x with the updates added */
  TfxScatterAddLast: ({ graph, inputs }) => {
    const { x, indices, updates } = inputs as { x: Traced; indices: Traced; updates: Traced }
    return scatterAddLast(graph, x, { indices, updates })
  },
  /** attributes shape, rate → a mask of 0 and 1/(1 - rate) that is fed anew in every run */
  TfxDropoutMask: ({ graph, attributes }) => {
    const { shape, rate } = attributes as { shape: number[]; rate: number }
    return randomInput(graph, shape, { kind: 'mask', rate })
  },
  /** attribute shape → numbers uniform in (-1, 1) that are fed anew in every run */
  TfxUniform: ({ graph, attributes }) =>
    randomInput(graph, attributes.shape as number[], { kind: 'uniform' }),
}

/** Its number in the graph, which ends its name, decides the numbers together with the run's seed. */
function randomInput(graph: Graph, shape: number[], random: RandomNumbers): InputValue {
  const count = graph.inputs.filter((input) => input.random !== undefined).length
  const name = `${random.kind === 'mask' ? 'dropout_mask' : random.kind}_${count}`
  return graph.input({ name, shape, dtype: 'float32', random })
}
