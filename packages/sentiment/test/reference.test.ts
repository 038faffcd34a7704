import { getEngine } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import type { tf } from '@tfx/compiler'
import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import { softmax } from '../src/answer'
import { contrastiveLoss } from '../src/contrastive-loss'
import { logisticRegression } from '../src/logistic-regression'
import { binaryCrossEntropy } from '../src/multi-label'
import { bestTemperature } from '../src/temperature'

interface Differentiated {
  loss: number
  gradient: number[][]
}

const reference = loadFixture<{
  logisticRegression: {
    name: string
    strength: number
    numClasses: number
    vectors: number[][]
    classes: number[]
    coefficients: number[][]
    intercepts: number[]
    queries: number[][]
    probabilities: number[][]
  }[]
  temperature: { name: string; logits: number[]; references: number[]; temperature: number }[]
  binaryCrossEntropy: Differentiated & { logits: number[][]; targets: number[][] }
  contrastive: (Differentiated & { name: string; embedding: number[][]; labels: number[] })[]
}>('sentiment/reference')

describe.each(reference.logisticRegression)('logistic regression: $name', (expected) => {
  const { strength, numClasses, classes, queries } = expected
  const vectors = Float32Array.from(expected.vectors.flat())
  const { weight, bias } = logisticRegression({ vectors, classes, numClasses }, strength)
  const size = expected.vectors[0]!.length

  it('has the weights of scikit-learn', () => {
    const rowOf = (label: number) => Array.from(weight.subarray(label * size, (label + 1) * size))
    // Two classes are one question there: the difference of ours.
    const [ours, biases] =
      numClasses === 2
        ? [[rowOf(1).map((value, index) => value - rowOf(0)[index]!)], [bias[1]! - bias[0]!]]
        : [Array.from(bias, (_, label) => rowOf(label)), centered(Array.from(bias))]
    const theirs = numClasses === 2 ? expected.intercepts : centered(expected.intercepts)
    expect(ours.flat()).toBeAllClose(expected.coefficients.flat(), { absolute: 1e-5, relative: 1e-5 })
    expect(biases).toBeAllClose(theirs, { absolute: 1e-5, relative: 1e-5 })
  })

  it('has its probabilities', () => {
    const ours = queries.map((query) =>
      softmax(
        Array.from(bias, (start, label) =>
          query.reduce((sum, value, index) => sum + value * weight[label * size + index]!, start),
        ),
      ),
    )
    expect(ours.flat()).toBeAllClose(expected.probabilities.flat(), { absolute: 1e-5, relative: 0 })
  })
})

function centered(values: number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.map((value) => value - mean)
}

describe('the best temperature', () => {
  it.each(reference.temperature)('is that of scipy: $name', ({ logits, references, temperature }) => {
    const found = bestTemperature({ logits: Float32Array.from(logits), references })
    expect(found! / temperature).toBeCloseTo(1, 5)
  })

  it('is none if every answer is right, or they are no better than chance', () => {
    const logits = Float32Array.of(2, 1, 0, 3)
    expect(bestTemperature({ logits, references: [0, 1] })).toBeUndefined()
    expect(bestTemperature({ logits, references: [1, 0] })).toBeUndefined()
  })
})

/** A loss and its gradient as the engine of training computes them. */
async function differentiate(
  point: readonly number[][],
  targets: HostTensor,
  loss: (x: tf.Tensor, targets: tf.Tensor) => tf.Tensor,
): Promise<{ loss: number; gradient: Float32Array }> {
  const engine = await getEngine()
  const store = engine.createStore({ x: [point.length, point[0]!.length] }, ['gradient'])
  store.write('x', Float32Array.from(point.flat()))
  const program = await engine.compile(
    ({ inputs, parameters }) => ({ loss: loss(parameters.x!, inputs.targets!) }),
    {
      inputs: { targets: { shape: targets.shape, dtype: targets.dtype } },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: ['x'] },
    },
  )
  const results = await program.run({ targets })
  const gradient = await store.read('x', 'gradient')
  await program.dispose()
  store.dispose()
  return { loss: results.loss!.data[0]!, gradient }
}

describe('losses', () => {
  it('of several labels are those of torch, for any logits', async () => {
    const { logits, targets, ...expected } = reference.binaryCrossEntropy
    const given: HostTensor = {
      dtype: 'float32',
      shape: [targets.length, targets[0]!.length],
      data: Float32Array.from(targets.flat()),
    }
    const ours = await differentiate(logits, given, binaryCrossEntropy)
    expect([ours.loss]).toBeAllClose([expected.loss], { relative: 1e-6, absolute: 0 })
    expect(ours.gradient).toBeAllClose(expected.gradient.flat(), { absolute: 1e-7, relative: 1e-5 })
  })

  it.each(reference.contrastive)(
    'of pairs are those of sentence-transformers: $name',
    async ({ embedding, labels, ...expected }) => {
      const given: HostTensor = { dtype: 'int32', shape: [labels.length], data: Int32Array.from(labels) }
      const ours = await differentiate(embedding, given, contrastiveLoss)
      expect([ours.loss]).toBeAllClose([expected.loss], { absolute: 1e-6, relative: 1e-5 })
      expect(ours.gradient).toBeAllClose(expected.gradient.flat(), { absolute: 1e-6, relative: 1e-4 })
    },
  )
})
