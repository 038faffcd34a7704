import { toFloat16 } from '@tfx/common'
import { elementTypes, type OnnxModel, type OnnxNode, type OnnxTensor, type OnnxValueInfo } from './protobuf'

/** The largest finite number of half precision. */
const largest = 65504
const castTo = (dtype: 'float16' | 'float32') => ({ to: elementTypes[dtype] })

/**
 * The same model in half precision, weights and arithmetic alike: what a GPU runs at twice the speed. What is fed
 * and what comes out stays float32, by casts at the borders.
 *
 * Numbers beyond half precision, such as the score of padding, become the largest that it has.
 */
export function toHalfPrecision(model: OnnxModel): OnnxModel {
  const isFloat = ({ dtype }: OnnxValueInfo) => dtype === 'float32'
  const inner = (name: string) => `${name}_float16`
  const renamedInputs = new Map(model.inputs.filter(isFloat).map(({ name }) => [name, inner(name)]))
  const renamedOutputs = new Map(model.outputs.filter(isFloat).map(({ name }) => [name, inner(name)]))
  const renamed = (name: string) => renamedInputs.get(name) ?? renamedOutputs.get(name) ?? name
  const nodes = model.nodes.map((node) => ({
    ...halfNode(node),
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  }))
  const cast = (from: string, to: string, dtype: 'float16' | 'float32'): OnnxNode => ({
    op: 'Cast',
    domain: '',
    inputs: [from],
    outputs: [to],
    attributes: castTo(dtype),
  })
  return {
    ...model,
    nodes: [
      ...[...renamedInputs].map(([name, half]) => cast(name, half, 'float16')),
      ...nodes,
      ...[...renamedOutputs].map(([name, half]) => cast(half, name, 'float32')),
    ],
    intermediates: model.intermediates.map((value) => ({
      ...value,
      dtype: isFloat(value) ? 'float16' : value.dtype,
    })),
    initializers: model.initializers.map(halfTensor),
  }
}

/** A cast to float32 inside the model is one to float16. */
function halfNode(node: OnnxNode): OnnxNode {
  const isFloatCast = node.op === 'Cast' && node.attributes.to === elementTypes.float32
  return isFloatCast ? { ...node, attributes: castTo('float16') } : node
}

function halfTensor(tensor: OnnxTensor): OnnxTensor {
  if (tensor.dtype !== 'float32') return tensor
  const { buffer, byteOffset, byteLength } = tensor.data
  const numbers = new Float32Array(buffer, byteOffset, byteLength / 4)
  const bounded = numbers.map((value) => Math.max(-largest, Math.min(largest, value)))
  return { ...tensor, dtype: 'float16', data: new Uint8Array(toFloat16(bounded).buffer) }
}
