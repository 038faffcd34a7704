import { tf } from '@tfx/compiler'
import {
  batchNorm,
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

/** With the running statistics that PyTorch would keep: `momentum` weighs the new value. */
function normalizeBatch(
  t: NamedTensors,
  { training, channels, epsilon, momentum }: Attributes,
): NamedTensors {
  const [runningMean, runningVariance] = [get(t, 'runningMean'), get(t, 'runningVariance')]
  const first = channels === 'first'
  const { value, mean, variance } = batchNorm(first ? tf.transpose(get(t, 'x'), [0, 2, 1]) : get(t, 'x'), {
    weight: get(t, 'weight'),
    bias: get(t, 'bias'),
    epsilon: epsilon as number,
    ...(training !== true && { running: { mean: runningMean, variance: runningVariance } }),
  })
  const mix = (old: tf.Tensor, now: tf.Tensor) =>
    tf.add(tf.mul(old, 1 - (momentum as number)), tf.mul(now, momentum as number))
  return {
    y: first ? tf.transpose(value, [0, 2, 1]) : value,
    runningMean: training === true ? mix(runningMean, mean) : runningMean,
    runningVariance: training === true ? mix(runningVariance, variance) : runningVariance,
  }
}
