import '@tensorflow/tfjs-backend-cpu'
import { createOnnxEngine, createTfjsEngine, type Engine } from '@tfx/backend'
import type { HostTensor } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { beforeAll, describe, expect, it } from 'vitest'
import { formatConfig, initializeParameters, lastToken, readConfig, withLabels } from '../src/index'
import {
  compileDecoder,
  decoderBatch,
  decoderForward,
  decoderShapes,
  decoderTasks,
  type DecoderFixture,
  loadDecoderFixture,
  weightOf,
} from './decoder-contract'
import { readTensors } from './encoder-contract'

/** Every decoder family, and its variants: folders of `fixtures/core/decoders`. */
const families = [
  'gpt2',
  'gpt2-by-layer',
  'llama',
  'llama3',
  'llama-linear',
  'llama-yarn',
  'mistral',
  'qwen2',
  'qwen3',
  'gemma2',
  'gemma3_text',
  'phi3',
  'phi3-long',
  'phi3-short',
]
const engines: [string, () => Engine][] = [
  ['onnx', () => createOnnxEngine()],
  ['tfjs:cpu', () => createTfjsEngine('cpu')],
]
/** 1e-5 of the largest entry: logits of these random models are as large as 20. */
const near = (expected: readonly number[]) => ({
  absolute: 1e-5 * expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1),
})
const languageModel = 'causal-language-modelling'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const tensorsOf = (hosts: Record<string, HostTensor>) =>
  Object.fromEntries(
    Object.entries(hosts).map(([key, { data, shape }]) => [key, tf.tensor(data, [...shape], 'int32')]),
  )

function parametersOf(fixture: DecoderFixture): Record<string, tf.Tensor> {
  return Object.fromEntries(
    [...fixture.weights].map(([key, { shape, values }]) => [key, tf.tensor(values, [...shape])]),
  )
}

/** The rows of real tokens, where the mask is 1. */
function tokensOf(values: ArrayLike<number>, mask: number[][], size: number): number[] {
  const width = mask[0]!.length
  return mask.flatMap((row, index) => {
    const length = row.reduce((sum, one) => sum + one)
    return Array.from({ length: length * size }, (_, at) => values[index * width * size + at]!)
  })
}

describe.each(families)('%s', (name) => {
  let fixture: DecoderFixture
  beforeAll(async () => {
    fixture = await loadDecoderFixture(name)
  })
  const tasksOf = () => decoderTasks.filter((task) => fixture.outputs.tasks[task])

  it('names and shapes its parameters as the checkpoint does', () => {
    for (const task of tasksOf()) {
      for (const [key, shape] of Object.entries(decoderShapes(fixture, task)))
        expect(weightOf(fixture, task, key)?.shape, key).toEqual(shape)
    }
    const ours = tasksOf().flatMap((task) =>
      Object.keys(decoderShapes(fixture, task)).map((key) =>
        task === 'token-classification' && key.startsWith('score') ? `token.${key}` : key,
      ),
    )
    expect([...new Set(ours)].sort()).toEqual([...fixture.weights.keys()].sort())
    for (const key of Object.keys(fixture.family.parameterShapes(fixture.config, 'feature-extraction')))
      expect(key.startsWith(fixture.family.backbonePrefix), key).toBe(true)
  })

  describe.each(engines)('on the engine %s', (_, createEngine) => {
    const engine = createEngine()

    it.each(decoderTasks)('computes logits, loss and every gradient of PyTorch: %s', async (task) => {
      const expected = fixture.outputs.tasks[task]
      if (!expected) return
      const model = await compileDecoder(engine, fixture, { task })
      for (const padding of [4, 0]) {
        const { logits, loss } = await model.run(decoderBatch(fixture, task, padding))
        expect(loss!.data).toBeAllClose([expected.loss], near([expected.loss]))
        if (task === 'sequence-classification') {
          expect(logits!.data).toBeAllClose(expected.logits.flat(2), near(expected.logits.flat(2)))
          continue
        }
        const mask = fixture.outputs.attentionMask
        const size = logits!.shape[2]!
        const longer = mask.map((row) => [...row, ...Array<number>(padding).fill(0)])
        const tokens = tokensOf(logits!.data, longer, size)
        const logitsOfTokens = tokensOf(expected.logits.flat(2), mask, size)
        expect(tokens).toBeAllClose(logitsOfTokens, near(logitsOfTokens))
      }
      const gradients = await readTensors(`${fixture.directory}/gradients-${task}.safetensors`)
      expect([...gradients.keys()].sort()).toEqual([...model.names].sort())
      for (const [key, { values }] of gradients) {
        const largest = values.reduce((most, gradient) => Math.max(most, Math.abs(gradient)), 0)
        // The key bias has a gradient of 0 but for rounding: softmax does not change when all scores shift.
        const bound = { absolute: Math.max(1e-4 * largest, 1e-6), relative: 0 }
        expect(await model.store.read(key, 'gradient'), key).toBeAllClose(values, bound)
      }
      await model.dispose()
    })

    it('has dropout in training only, at every rate of its configuration', async () => {
      const rates = ['embeddingDropout', 'hiddenDropout', 'attentionDropout'] as const
      const none = Object.fromEntries(rates.map((rate) => [rate, 0]))
      const logitsOf = async (change: object, seed: number) => {
        const changed = { ...fixture, config: { ...fixture.config, ...change } }
        const model = await compileDecoder(engine, changed, { task: languageModel, training: true })
        const { logits } = await model.run(decoderBatch(fixture, languageModel), seed)
        await model.dispose()
        return tokensOf(logits!.data, fixture.outputs.attentionMask, fixture.config.vocabSize)
      }
      const still = tokensOf(
        fixture.outputs.tasks[languageModel]!.logits.flat(2),
        fixture.outputs.attentionMask,
        fixture.config.vocabSize,
      )
      expect(await logitsOf(none, 1)).toBeAllClose(still, near(still))
      for (const rate of rates) {
        const dropped = await logitsOf({ ...none, [rate]: 0.5 }, 1)
        expect(dropped, rate).not.toBeAllClose(still, { absolute: 1e-3 })
        expect(await logitsOf({ ...none, [rate]: 0.5 }, 2), rate).not.toEqual(dropped)
      }
    })

    it('learns the batch in ten steps, and changes only what is trained', async () => {
      const frozen = Object.keys(fixture.family.parameterShapes(fixture.config, 'feature-extraction')).at(-1)!
      const model = await compileDecoder(engine, fixture, {
        task: languageModel,
        trained: (key) => key !== frozen,
      })
      const losses: number[] = []
      for (let step = 0; step < 10; step++) {
        const { loss } = await model.run(decoderBatch(fixture, languageModel))
        losses.push(loss!.data[0]!)
        for (const key of model.names) {
          const gradient = await model.store.read(key, 'gradient')
          const value = await model.store.read(key)
          model.store.write(
            key,
            value.map((weight, index) => weight - 0.05 * gradient[index]!),
          )
        }
      }
      expect(losses[9]).toBeLessThan(0.9 * losses[0]!)
      expect(await model.store.read(frozen)).toEqual(fixture.weights.get(frozen)!.values)
      await model.dispose()
    })
  })

  it('sees earlier tokens only, and no padding before them', () => {
    const parameters = parametersOf(fixture)
    const score = (inputIds: number[][], attentionMask: number[][]) =>
      decoderForward(fixture, languageModel, {
        parameters,
        inputs: {
          inputIds: tf.tensor2d(inputIds, undefined, 'int32'),
          attentionMask: tf.tensor2d(attentionMask, undefined, 'int32'),
        },
      }).arraySync() as number[][][]
    const ids = fixture.outputs.inputIds[0]!.slice(0, 7)
    const [plain] = score([ids], [ids.map(() => 1)])
    const [changed] = score([[...ids.slice(0, 6), (ids[6] ?? 0) + 1]], [ids.map(() => 1)])
    expect(changed!.slice(0, 6)).toEqual(plain!.slice(0, 6))
    expect(changed![6]).not.toEqual(plain![6])
    const [padded] = score([[9, 8, ...ids]], [[0, 0, ...ids.map(() => 1)]])
    // LongRoPE chooses its factors by the length of the input.
    expect(padded!.slice(2).flat()).toBeAllClose(plain!.flat(), near(plain!.flat()))
  })

  it('continues from cached keys and values as if it had seen all tokens at once', () => {
    // LongRoPE would turn keys anew where the input becomes long: it does so in transformers no more than here.
    const ids = fixture.outputs.inputIds.map((row) => row.slice(0, 8))
    const parameters = parametersOf(fixture)
    const run = { config: fixture.config, training: false }
    const matrix = (rows: number[][]) => tf.tensor2d(rows, undefined, 'int32')
    const mask = [ids[0]!.map(() => 1), [0, 0, ...ids[1]!.slice(2).map(() => 1)], ids[2]!.map(() => 1)]
    const whole = fixture.family.backbone(
      parameters,
      { inputIds: matrix(ids), attentionMask: matrix(mask) },
      run,
    )
    let past: typeof whole.present | undefined
    let hidden: tf.Tensor | undefined
    for (const [start, end] of [
      [0, 4],
      [4, 5],
      [5, 8],
    ] as const) {
      const result = fixture.family.backbone(
        parameters,
        {
          inputIds: matrix(ids.map((row) => row.slice(start, end))),
          attentionMask: matrix(mask.map((row) => row.slice(0, end))),
          past,
        },
        run,
      )
      past = result.present
      hidden = result.hidden
    }
    const { layers, heads, headSize } = fixture.family.cacheShape(fixture.config)
    expect(past!.map(({ key, value }) => [key.shape, value.shape])).toEqual(
      Array.from({ length: layers }, () => [
        [3, heads, 8, headSize],
        [3, heads, 8, headSize],
      ]),
    )
    const recent = tf.slice(whole.hidden, [0, 5, 0], [3, 3, fixture.config.hiddenSize])
    expect(hidden!.dataSync()).toBeAllClose(recent.dataSync(), near([...recent.dataSync()]))
  })

  it('starts at a loss near ln(vocabulary)', async () => {
    const parameters: Record<string, tf.Tensor> = {}
    const shapes = decoderShapes(fixture, languageModel)
    await initializeParameters(fixture.config, languageModel, {
      write: (key, values) => void (parameters[key] = tf.tensor(values, [...shapes[key]!])),
    })
    const inputs = tensorsOf(decoderBatch(fixture, languageModel))
    const logits = decoderForward(fixture, languageModel, { parameters, inputs })
    const loss = tf.neg(tf.mean(tf.logSoftmax(logits))).dataSync()[0]
    expect(loss).toBeCloseTo(Math.log(fixture.config.vocabSize), 1)
  })

  it('writes the config.json that it was read from, in the spelling of transformers 4 and 5', () => {
    const { config } = fixture
    const written = formatConfig(config, 'sequence-classification')
    const again = readConfig(JSON.parse(JSON.stringify(written)))
    expect({ ...again, source: config.source }).toEqual(config)
    expect(formatConfig(config, languageModel).architectures).toEqual(config.source.architectures)
    const labelled = withLabels(config, ['score'], 'regression')
    expect(readConfig(formatConfig(labelled, 'sequence-classification'))).toMatchObject({
      labels: ['score'],
      problemType: 'regression',
    })
  })
})

it('finds the last token before and behind padding', () => {
  const hidden = tf.tensor3d([
    [[1], [2], [3]],
    [[4], [5], [6]],
    [[7], [8], [9]],
  ])
  const mask = tf.tensor2d(
    [
      [1, 1, 0],
      [0, 1, 1],
      [1, 0, 0],
    ],
    undefined,
    'int32',
  )
  expect(lastToken(hidden, mask).arraySync()).toEqual([[2], [6], [7]])
})
