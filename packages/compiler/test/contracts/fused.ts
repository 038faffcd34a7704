import fc from 'fast-check'
import { tf } from '../../src/index'
import { shapes, type Template } from '../support/arbitrary'
import type { ContractTable, OpCase } from '../support/contract'
import { opCase, operand, type Values } from '../support/operands'

type Tensors = Record<string, tf.Tensor>

const undifferentiated = 'the functions that call it bring their own'

const floats: Values = { dtypes: ['float32'] }
const size = fc.constantFrom<number | 'batch'>('batch', 1, 2, 3)
const run = (name: string, inputs: Tensors, attributes?: Record<string, unknown>) =>
  tf.engine().runKernel(name, inputs, attributes as never)

/** Operands x [..., 4], indices [...] and updates [...]. */
const lastAxis = (op: OpCase['op'], reference: OpCase['op']): fc.Arbitrary<OpCase> =>
  shapes({ minRank: 1, maxRank: 2 }).chain((rows) =>
    fc
      .record({
        x: operand([...rows, 4], { ...floats, role: 'input' }),
        indices: operand(rows, { dtypes: ['int32'], elements: { low: 0, high: 3 } }),
        updates: operand(rows, floats),
      })
      .map((operands) => opCase(operands, op, { reference })),
  )

const chosen = ({ x, indices }: Tensors) =>
  tf.cast(tf.oneHot(indices as tf.Tensor1D, (x as tf.Tensor).shape.at(-1)!), 'float32')

const layerNorm = ({ x, weight, bias }: Tensors): tf.Tensor[] => {
  const mean = tf.mean(x as tf.Tensor, -1, true)
  const centered = tf.sub(x as tf.Tensor, mean)
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), 1e-5))
  return [tf.add(tf.mul(tf.mul(centered, scale), weight as tf.Tensor), bias as tf.Tensor), mean, scale]
}

const rmsNorm = ({ x, weight }: Tensors): tf.Tensor[] => {
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x as tf.Tensor), -1, true), 1e-5))
  return [tf.mul(tf.mul(x as tf.Tensor, scale), weight as tf.Tensor), scale]
}

/** A norm over the last axis, with parameters of its width. */
const normContract = (kernel: string, parameters: readonly string[], reference: OpCase['op']) => ({
  cases: fc.tuple(size, fc.constantFrom(2, 5)).chain(([rows, width]) => {
    const row: Template = [width]
    const operands = Object.fromEntries(parameters.map((name) => [name, operand(row, floats)]))
    return fc
      .record({ x: operand([rows, 2, width], floats), ...operands })
      .map((operands) => opCase(operands, (inputs) => run(kernel, inputs, { epsilon: 1e-5 }), { reference }))
  }),
  gradient: undifferentiated,
  tolerance: { absolute: 2e-5, relative: 2e-5 },
})

const gelu = {
  none: (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  tanh: (x: tf.Tensor) => {
    const inner = tf.mul(tf.add(x, tf.mul(tf.pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI))
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1))
  },
}

/** Private kernels; what they compute is given by plain ops. */
export const fusedContracts: ContractTable = {
  TfxLayerNorm: normContract('TfxLayerNorm', ['weight', 'bias'], layerNorm),
  TfxRmsNorm: normContract('TfxRmsNorm', ['weight'], rmsNorm),
  TfxGelu: {
    cases: fc.constantFrom<'none' | 'tanh'>('none', 'tanh').chain((approximate) =>
      shapes().chain((shape) =>
        operand(shape, { ...floats, elements: { low: -10, high: 10 } }).map((x) =>
          opCase({ x }, (inputs) => run('TfxGelu', inputs, { approximate }), {
            reference: ({ x }) => gelu[approximate](x as tf.Tensor),
            attributes: { approximate },
          }),
        ),
      ),
    ),
    gradient: undifferentiated,
    // tfjs-cpu's erf is a polynomial with an error of 1.5e-7.
    tolerance: { absolute: 3e-6, relative: 1e-5 },
  },
  TfxGatherLast: {
    cases: lastAxis(
      ({ x, indices }) => run('TfxGatherLast', { x, indices } as Tensors),
      (inputs) => tf.sum(tf.mul(inputs.x as tf.Tensor, chosen(inputs)), -1),
    ),
    gradient: undifferentiated,
  },
  TfxScatterAddLast: {
    cases: lastAxis(
      (inputs) => run('TfxScatterAddLast', inputs),
      (inputs) =>
        tf.add(inputs.x as tf.Tensor, tf.mul(chosen(inputs), tf.expandDims(inputs.updates as tf.Tensor, -1))),
    ),
    gradient: undifferentiated,
  },
}
