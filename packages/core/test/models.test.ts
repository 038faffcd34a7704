import '@tensorflow/tfjs-backend-cpu'
import { createRandom, sizeOf } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { loadFixture } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { initializeParameter, modelFamily, withLabels, type Task } from '../src/index'
import { relativeBuckets } from '../src/blocks/relative-position'
import { fixtureInputs, loadFixtureModel, outputs } from './model-fixtures'

const tolerance = { absolute: 1e-5, relative: 1e-5 }

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const cases = [
  ['bert-classification', 'sequence-classification'],
  ['bert-masked-lm', 'masked-language-modelling'],
  ['distilbert-classification', 'sequence-classification'],
  ['distilbert-masked-lm', 'masked-language-modelling'],
] as const

async function logitsOf(name: string, task: Task, extra = 0) {
  const { config, parameters } = await loadFixtureModel(name)
  const family = modelFamily(config.modelType)
  const sequence = (outputs.inputIds[0]?.length ?? 0) + extra
  // Flat positions depend on the width of the batch.
  const positions = outputs.maskedPositions.map((position) => {
    const width = sequence - extra
    return Math.floor(position / width) * sequence + (position % width)
  })
  const maskedPositions = tf.tensor1d(positions, 'int32')
  const inputs = fixtureInputs({ extra, tokenTypes: config.modelType === 'bert' })
  const run = { config, training: false }
  const forward = (weights: Record<string, tf.Tensor>) =>
    task === 'sequence-classification'
      ? family.sequenceClassificationHead(weights, family.backbone(weights, inputs, run), run)
      : family.maskedLanguageModelHead(weights, family.backbone(weights, inputs, run), {
          ...run,
          maskedPositions,
        })
  return { config, parameters, family, forward }
}

describe.each(cases)('%s', (name, task) => {
  const expected = outputs.models[name]

  it('computes the logits of Hugging Face transformers', async () => {
    const { parameters, forward } = await logitsOf(name, task)
    expect(forward(parameters).dataSync()).toBeAllClose(expected?.logits.flat() ?? [], tolerance)
  })

  it('computes the same logits however long the padding', async () => {
    const { parameters, forward } = await logitsOf(name, task, 9)
    expect(forward(parameters).dataSync()).toBeAllClose(expected?.logits.flat() ?? [], tolerance)
  })

  it('names and shapes its parameters as the checkpoint does', async () => {
    const { config, parameters, family } = await logitsOf(name, task)
    const specs = family.parameterShapes(config, task)
    const ours = Object.fromEntries(Object.entries(specs).map(([key, { shape }]) => [key, shape]))
    const theirs = Object.fromEntries(Object.entries(parameters).map(([key, { shape }]) => [key, shape]))
    expect(ours).toEqual(theirs)
  })
})

describe('bert', () => {
  it.each(cases.slice(0, 2))('%s takes absent token types for 0', async (name, task) => {
    const { config, parameters, family } = await logitsOf(name, task)
    const inputs = fixtureInputs({ tokenTypes: false })
    const run = { config, training: false }
    const maskedPositions = tf.tensor1d(outputs.maskedPositions, 'int32')
    const logits =
      task === 'sequence-classification'
        ? family.sequenceClassificationHead(parameters, family.backbone(parameters, inputs, run), run)
        : family.maskedLanguageModelHead(parameters, family.backbone(parameters, inputs, run), {
            ...run,
            maskedPositions,
          })
    const expected = outputs.models[name]?.logitsWithoutTokenTypes
    expect(logits.dataSync()).toBeAllClose(expected?.flat() ?? [], tolerance)
  })

  it('returns the last hidden state as [batch, sequence, hidden]', async () => {
    const { config, parameters } = await loadFixtureModel('bert-classification')
    const hidden = modelFamily('bert').backbone(parameters, fixtureInputs(), { config, training: false })
    expect(hidden.shape).toEqual([3, 11, 16])
    expect(hidden.dataSync()).toBeAllClose(outputs.hidden.flat(2), tolerance)
  })

  it('scores every token when no positions are given', async () => {
    const { config, parameters } = await loadFixtureModel('bert-masked-lm')
    const run = { config, training: false }
    const family = modelFamily('bert')
    const hidden = family.backbone(parameters, fixtureInputs(), run)
    const all = family.maskedLanguageModelHead(parameters, hidden, run)
    expect(all.shape).toEqual([33, config.vocabSize])
    const rows = tf.gather(all, tf.tensor1d(outputs.maskedPositions, 'int32'))
    expect(rows.dataSync()).toBeAllClose(outputs.models['bert-masked-lm']?.logits.flat() ?? [], tolerance)
  })

  it('sizes the classifier by the labels', async () => {
    const { config } = await loadFixtureModel('bert-classification')
    const five = withLabels(config, ['a', 'b', 'c', 'd', 'e'])
    const specs = modelFamily('bert').parameterShapes(five, 'sequence-classification')
    expect(specs['classifier.weight']?.shape).toEqual([5, 16])
    expect(specs['classifier.bias']?.shape).toEqual([5])
  })

  it('names a parameter that is missing', async () => {
    const { config, parameters } = await loadFixtureModel('bert-classification')
    delete parameters['bert.pooler.dense.bias']
    const family = modelFamily('bert')
    const run = { config, training: false }
    const hidden = family.backbone(parameters, fixtureInputs(), run)
    expect(() => family.sequenceClassificationHead(parameters, hidden, run)).toThrow(
      "parameterOf: 'bert.pooler.dense.bias' must be one of the parameters, but got missing.",
    )
  })
})

describe('relativeBuckets', () => {
  it('gives the buckets of Hugging Face for every distance', () => {
    const { relativeBuckets: expected } = loadFixture<{ relativeBuckets: number[] }>(
      'core/encoders/mpnet/outputs',
    )
    const length = (expected.length + 1) / 2
    const positions = tf.range(0, length, 1, 'int32')
    const buckets = relativeBuckets(
      { rows: positions, columns: positions },
      { buckets: 32, maxDistance: 128 },
    )
    const ours = buckets.dataSync()
    // The first row has the distances 0, 1, …; the first column 0, −1, ….
    expect([...ours.slice(0, length)]).toEqual(expected.slice(length - 1))
    const column = Array.from({ length }, (_, row) => ours[row * length])
    expect(column).toEqual(expected.slice(0, length).reverse())
  })
})

describe('initializeParameter', () => {
  it('draws normal values with the given deviation, from the seed, and keeps the padding row 0', () => {
    const spec = { shape: [200, 100], initialize: 'normal', zeroRow: 1 } as const
    const values = initializeParameter(spec, createRandom(1), 0.02)
    expect(values).toEqual(initializeParameter(spec, createRandom(1), 0.02))
    expect(values).not.toEqual(initializeParameter(spec, createRandom(2), 0.02))
    expect(values.slice(100, 200)).toEqual(new Float32Array(100))
    const drawn = [...values.slice(0, 100), ...values.slice(200)]
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length
    const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length
    // Three standard errors of 19,900 draws.
    expect(Math.abs(mean)).toBeLessThan((3 * 0.02) / Math.sqrt(drawn.length))
    expect(Math.abs(Math.sqrt(variance) / 0.02 - 1)).toBeLessThan(3 / Math.sqrt(2 * drawn.length))
  })

  it('fills zeros and ones', () => {
    const random = createRandom(1)
    expect([...initializeParameter({ shape: [3], initialize: 'zeros' }, random, 1)]).toEqual([0, 0, 0])
    expect([...initializeParameter({ shape: [3], initialize: 'ones' }, random, 1)]).toEqual([1, 1, 1])
  })

  it('gives an initial masked language model loss near ln(vocabulary)', async () => {
    const { config } = await loadFixtureModel('bert-masked-lm')
    const family = modelFamily('bert')
    const random = createRandom(5)
    const parameters: Record<string, tf.Tensor> = {}
    for (const [name, spec] of Object.entries(family.parameterShapes(config, 'masked-language-modelling'))) {
      const values = initializeParameter(spec, random, config.initializerRange)
      expect(values).toHaveLength(sizeOf(spec.shape))
      parameters[name] = tf.tensor(values, [...spec.shape])
    }
    const run = { config, training: false }
    const hidden = family.backbone(parameters, fixtureInputs(), run)
    const logits = family.maskedLanguageModelHead(parameters, hidden, run)
    const losses = tf.neg(tf.mean(tf.logSoftmax(logits)))
    expect(losses.dataSync()[0]).toBeCloseTo(Math.log(config.vocabSize), 1)
  })
})
