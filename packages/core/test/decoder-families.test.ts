import '@tensorflow/tfjs-backend-cpu'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tf } from '@tfx/compiler'
import { loadFixture } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { formatConfig, lastToken, readConfig, withLabels } from '../src/index'
import {
  compileDecoder,
  decoderBatch,
  decoderForward,
  decoderShapes,
  decoderTasks,
  type DecoderFixture,
  type DecoderReference,
  loadDecoderFixture,
  weightOf,
} from './decoder-contract'
import {
  engines,
  expectDropout,
  expectGradients,
  expectUniform,
  initialParameters,
  int32,
  learn,
  matrix,
  near,
  parametersOf,
  readTensors,
  saveAndLoad,
  tensorsOf,
} from './model-contract'

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
const languageModel = 'causal-language-modelling'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

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
  // Some families have no classifier of tokens in transformers, and variants are checked by their language model.
  const reference = loadFixture<DecoderReference>(`core/decoders/${name}/outputs`)
  const tasks = decoderTasks.filter((task) => reference.tasks[task])

  it('names and shapes its parameters as the checkpoint does', () => {
    for (const task of tasks) {
      for (const [key, shape] of Object.entries(decoderShapes(fixture, task)))
        expect(weightOf(fixture, task, key)?.shape, key).toEqual(shape)
    }
    const ours = tasks.flatMap((task) =>
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

    it.each(tasks)('computes logits, loss and every gradient of PyTorch: %s', async (task) => {
      const expected = fixture.outputs.tasks[task]!
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
      await expectGradients(model, `${fixture.directory}/gradients-${task}.safetensors`)
      await model.dispose()
    })

    it('has dropout in training only, at every rate of its configuration', async () => {
      const { vocabSize } = fixture.config
      const logitsOf = async (change: object, seed: number) => {
        const changed = { ...fixture, config: { ...fixture.config, ...change } }
        const model = await compileDecoder(engine, changed, { task: languageModel, training: true })
        const { logits } = await model.run(decoderBatch(fixture, languageModel), seed)
        await model.dispose()
        return tokensOf(logits!.data, fixture.outputs.attentionMask, vocabSize)
      }
      const { logits } = fixture.outputs.tasks[languageModel]!
      const still = tokensOf(logits.flat(2), fixture.outputs.attentionMask, vocabSize)
      await expectDropout(['embeddingDropout', 'hiddenDropout', 'attentionDropout'], logitsOf, still)
    })

    it('refuses ids outside of the vocabulary, and sequences beyond a table of positions', async () => {
      const model = await compileDecoder(engine, fixture, { task: languageModel })
      const batch = (ids: number[]) => ({
        inputIds: int32([ids]),
        attentionMask: int32([ids.map(() => 1)]),
        labels: int32([ids]),
      })
      await expect(model.run(batch([5, fixture.config.vocabSize]))).rejects.toThrow()
      const long = Array.from({ length: fixture.config.maxPositionEmbeddings + 1 }, () => 5)
      // Rotary positions have no table, and go on.
      if (fixture.config.modelType === 'gpt2') await expect(model.run(batch(long))).rejects.toThrow()
      else expect(Number.isFinite((await model.run(batch(long))).loss!.data[0])).toBe(true)
      await model.dispose()
    })

    it('learns the batch in ten steps, and changes only what is trained', async () => {
      const frozen = Object.keys(fixture.family.parameterShapes(fixture.config, 'feature-extraction')).at(-1)!
      const model = await compileDecoder(engine, fixture, {
        task: languageModel,
        trained: (key) => key !== frozen,
      })
      const losses = await learn(model, decoderBatch(fixture, languageModel), 0.05)
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
          inputIds: matrix(inputIds),
          attentionMask: matrix(attentionMask),
        },
      }).arraySync() as number[][][]
    const ids = fixture.outputs.inputIds[0]!.slice(0, 7)
    const [plain] = score([ids], [ids.map(() => 1)])
    const [changed] = score([[...ids.slice(0, 6), (ids[6] ?? 0) + 1]], [ids.map(() => 1)])
    expect(changed!.slice(0, 6)).toEqual(plain!.slice(0, 6))
    expect(changed![6]).not.toEqual(plain![6])
    const [padded] = score([[9, 8, ...ids]], [[0, 0, ...ids.map(() => 1)]])
    expect(padded!.slice(2).flat()).toBeAllClose(plain!.flat(), near(plain!.flat()))
  })

  it('continues from cached keys and values as if it had seen all tokens at once', () => {
    const ids = fixture.outputs.inputIds.map((row) => row.slice(0, 8))
    const parameters = parametersOf(fixture)
    const run = { config: fixture.config, training: false }
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
    const specs = fixture.family.parameterShapes(fixture.config, languageModel)
    const parameters = await initialParameters(fixture.config, languageModel, specs)
    const inputs = tensorsOf(decoderBatch(fixture, languageModel))
    expectUniform(decoderForward(fixture, languageModel, { parameters, inputs }), fixture.config.vocabSize)
  })

  it('saves and loads identical weights and the same configuration', async () => {
    for (const task of tasks) {
      const specs = fixture.family.parameterShapes(fixture.config, task)
      const weight = (key: string) => weightOf(fixture, task, key)!.values
      const { checkpoint, directory } = await saveAndLoad('decoder', {
        ...fixture,
        task,
        specs,
        weightOf: weight,
      })
      const stored = await readTensors(join(directory, 'model.safetensors'))
      expect(stored.has('lm_head.weight')).toBe(task === languageModel && !fixture.config.tieWordEmbeddings)
      const { source, labels } = task === languageModel ? checkpoint.config : fixture.config
      expect(checkpoint.config).toEqual({ ...fixture.config, labels, source: checkpoint.config.source })
      expect(source).toBeDefined()
      await rm(directory, { recursive: true })
    }
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
