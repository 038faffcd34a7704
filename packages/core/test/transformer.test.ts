import '@tensorflow/tfjs-backend-cpu'
import { createOnnxEngine, softmaxCrossEntropy } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  causalLanguageModelLoss,
  createDecoderSteps,
  createSequenceSteps,
  decoderTransformerConfig,
  formatConfig,
  generate,
  initializeParameters,
  modelFamily,
  readConfig,
  transformerConfig,
} from '../src/index'
import { int32 } from './model-contract'

const sizes = {
  vocabSize: 20,
  hiddenSize: 16,
  numHeads: 2,
  numLayers: 2,
  dropout: 0,
  maxPositionEmbeddings: 32,
}
const variants = (['sinusoidal', 'learned'] as const).flatMap((positions) =>
  (['before', 'after'] as const).map((normOrder) => ({ positions, normOrder })),
)
const engine = createOnnxEngine()

beforeAll(async () => {
  await tf.setBackend('cpu')
})

/** New weights, their gradients, and plain gradient descent. */
async function createModel(
  config: ReturnType<typeof transformerConfig> | ReturnType<typeof decoderTransformerConfig>,
) {
  const task = 'numDecoderLayers' in config ? 'sequence-to-sequence' : 'causal-language-modelling'
  const specs = modelFamily(config.modelType as string).parameterShapes(config, task)
  const names = Object.keys(specs)
  const store = engine.createStore(Object.fromEntries(names.map((name) => [name, specs[name]!.shape])), [
    'gradient',
  ])
  // The variance that these few features need to tell tokens apart soon.
  const wide = { ...config, initializerRange: 0.2 }
  await initializeParameters(wide, task, { seed: 3, write: (name, values) => store.write(name, values) })
  const descend = async (rate: number) => {
    for (const name of names) {
      const gradient = await store.read(name, 'gradient')
      const value = await store.read(name)
      store.write(
        name,
        value.map((weight, index) => weight - rate * gradient[index]!),
      )
    }
  }
  return { store, names, descend }
}

const ids = (...shape: string[]) => ({ shape, dtype: 'int32' }) as const

describe.each(variants)('$positions positions, norms $normOrder', (variant) => {
  it('learns to reverse, and writes what it learned', async () => {
    const config = transformerConfig({ ...sizes, ...variant })
    const family = modelFamily(config.modelType)
    const { store, names, descend } = await createModel(config)
    const run = { config, training: true }
    const step = await engine.compile(
      ({ inputs, parameters }) => {
        const { inputIds, attentionMask, labels } = inputs as Record<string, tf.Tensor>
        const source = { inputIds: inputIds!, attentionMask: attentionMask! }
        const hidden = family.encoder(parameters, source, run)
        const cross = family.crossKeyValues(parameters, hidden, run)
        const target = family.decoderInputs(labels!, config)
        const decoded = family.decoder(
          parameters,
          { inputIds: target, encoderAttentionMask: attentionMask!, cross },
          run,
        ).hidden
        const scores = family.languageModelHead(parameters, tf.reshape(decoded, [-1, config.hiddenSize]), run)
        return { loss: softmaxCrossEntropy(scores, tf.reshape(labels!, [-1])) }
      },
      {
        inputs: {
          inputIds: ids('batch', 'source'),
          attentionMask: ids('batch', 'source'),
          labels: ids('batch', 'target'),
        },
        parameters: store,
        gradients: { of: 'loss', withRespectTo: names },
      },
    )
    const prompts = [
      [5, 6, 7],
      [9, 4, 12],
      [15, 5, 9],
    ]
    const batch = {
      inputIds: int32(prompts),
      attentionMask: int32(prompts.map(() => [1, 1, 1])),
      labels: int32(prompts.map((prompt) => [...prompt.toReversed(), 2])),
    }
    let loss = Infinity
    for (let count = 0; count < 400 && loss > 0.05; count++) {
      loss = (await step.run(batch)).loss!.data[0]!
      await descend(0.1)
    }
    expect(loss).toBeLessThan(0.3)
    const model = createSequenceSteps(engine, { config, store })
    const written = await generate(model, prompts, {
      decoderStartTokenId: 1,
      eosTokenIds: [2],
      maxNewTokens: 6,
    })
    expect(written.map(([first]) => first!.tokens)).toEqual(
      prompts.map((prompt) => [...prompt.toReversed(), 2]),
    )
    await model.dispose()
    await step.dispose()
    const again = readConfig(JSON.parse(JSON.stringify(formatConfig(config, 'sequence-to-sequence'))))
    expect({ ...again, source: config.source }).toEqual(config)
  })

  it('learns a text, and continues it', async () => {
    const config = decoderTransformerConfig({ ...sizes, ...variant })
    expect(config.modelType).toBe(
      variant.positions === 'learned' && variant.normOrder === 'before' ? 'gpt2' : 'tfx_decoder',
    )
    const family = modelFamily(config.modelType)
    const { store, names, descend } = await createModel(config)
    const run = { config, training: true }
    const step = await engine.compile(
      ({ inputs, parameters }) => {
        const { inputIds, attentionMask } = inputs as Record<string, tf.Tensor>
        const tokens = { inputIds: inputIds!, attentionMask: attentionMask! }
        const { hidden } = family.backbone(parameters, tokens, run)
        const scores = family.languageModelHead(parameters, tf.reshape(hidden, [-1, config.hiddenSize]), run)
        return { loss: causalLanguageModelLoss(scores, inputIds!) }
      },
      {
        inputs: { inputIds: ids('batch', 'sequence'), attentionMask: ids('batch', 'sequence') },
        parameters: store,
        gradients: { of: 'loss', withRespectTo: names },
      },
    )
    const text = [3, 8, 5, 8, 13, 4, 19, 8, 7, 6]
    let loss = Infinity
    for (let count = 0; count < 400 && loss > 0.05; count++) {
      loss = (await step.run({ inputIds: int32([text]), attentionMask: int32([text.map(() => 1)]) })).loss!
        .data[0]!
      await descend(0.1)
    }
    expect(loss).toBeLessThan(0.3)
    const model = createDecoderSteps(engine, { config, store })
    const continued = await generate(model, [text.slice(0, 2)], { maxNewTokens: 8 })
    expect(continued[0]![0]!.tokens).toEqual(text.slice(2))
    await model.dispose()
    await step.dispose()
    const again = readConfig(JSON.parse(JSON.stringify(formatConfig(config, 'causal-language-modelling'))))
    expect({ ...again, source: config.source }).toEqual(config)
  })
})

it('refuses sizes that do not fit together', () => {
  expect(() => transformerConfig({ ...sizes, hiddenSize: 17 })).toThrow(
    "transformerConfig: 'hiddenSize' must be a multiple of twice the 2 heads, but got 17",
  )
})
