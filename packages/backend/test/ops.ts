import {
  batchNorm,
  type BatchNormOptions,
  embedding,
  gelu,
  layerNorm,
  linear,
  rmsNorm,
  silu,
  softmax,
  softmaxCrossEntropy,
  type NamedTensors,
} from '../src/index'
import type { FixtureCase } from './fixture-tensors'
import { get } from './engines'

type Attributes = FixtureCase['attributes']

/** Each op under the name of its fixture, as a function of the fixture's inputs and attributes. */
export const ops: Record<string, (tensors: NamedTensors, attributes: Attributes) => NamedTensors> = {
  'layer-norm': (t, { epsilon }) => ({
    y: layerNorm(get(t, 'x'), { weight: get(t, 'weight'), bias: get(t, 'bias'), epsilon: epsilon as number }),
  }),
  'rms-norm': (t, { epsilon }) => ({
    y: rmsNorm(get(t, 'x'), { weight: get(t, 'weight'), epsilon: epsilon as number }),
  }),
  'batch-norm': normalizeBatch,
  gelu: (t) => ({ y: gelu(get(t, 'x')) }),
  'gelu-tanh': (t) => ({ y: gelu(get(t, 'x'), 'tanh') }),
  silu: (t) => ({ y: silu(get(t, 'x')) }),
  softmax: (t) => ({ y: softmax(get(t, 'x')) }),
  'softmax-cross-entropy': (t, attributes) => ({
    loss: softmaxCrossEntropy(get(t, 'logits'), get(t, 'labels'), attributes),
  }),
  'weighted-cross-entropy': (t, { classWeights, ...attributes }) => ({
    loss: softmaxCrossEntropy(get(t, 'logits'), get(t, 'labels'), {
      ...attributes,
      classWeights: classWeights as number[],
    }),
  }),
  embedding: (t) => ({ y: embedding(get(t, 'table'), get(t, 'ids')) }),
  linear: (t) => ({ y: linear(get(t, 'x'), get(t, 'weight'), t.bias) }),
}

function normalizeBatch(t: NamedTensors, attributes: Attributes): NamedTensors {
  const { value, running } = batchNorm(get(t, 'x'), {
    ...(attributes as Pick<BatchNormOptions, 'training' | 'channels' | 'epsilon' | 'momentum'>),
    weight: get(t, 'weight'),
    bias: get(t, 'bias'),
    running: { mean: get(t, 'runningMean'), variance: get(t, 'runningVariance') },
    mask: t.mask,
  })
  return { y: value, runningMean: running.mean, runningVariance: running.variance }
}
