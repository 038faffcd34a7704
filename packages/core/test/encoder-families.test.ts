import '@tensorflow/tfjs-backend-cpu'
import { rm } from 'node:fs/promises'
import { tf } from '@tfx/compiler'
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { exportEncoder, firstToken, formatConfig, meanPool, readConfig, withLabels } from '../src/index'
import {
  compileTask,
  type EncoderFixture,
  fixtureBatch,
  forward,
  type HeadTask,
  loadEncoderFixture,
  shapesOf,
  tasks,
} from './encoder-contract'
import {
  engines,
  expectDropout,
  expectGradients,
  expectUniform,
  initialParameters,
  int32,
  learn,
  parametersOf,
  saveAndLoad,
  tensorsOf,
} from './model-contract'

/** Every encoder family: a folder of `fixtures/core/encoders` and what is its own. */
const families = [
  { name: 'bert', modelType: 'bert', longest: 40 },
  { name: 'distilbert', modelType: 'distilbert', longest: 40 },
  { name: 'roberta', modelType: 'roberta', longest: 38 },
  { name: 'xlm-roberta', modelType: 'xlm-roberta', longest: 36 },
  { name: 'electra', modelType: 'electra', longest: 40 },
  { name: 'mpnet', modelType: 'mpnet', longest: 38 },
  { name: 'albert', modelType: 'albert', longest: 40 },
  { name: 'modernbert', modelType: 'modernbert', longest: 40 },
  { name: 'deberta-v3', modelType: 'deberta-v2', longest: 40 },
  { name: 'deberta-v2', modelType: 'deberta-v2', longest: 40 },
  { name: 'deberta-absolute', modelType: 'deberta-v2', longest: 40 },
  { name: 'deberta-c2p', modelType: 'deberta-v2', longest: 40 },
  { name: 'modernbert-cls', modelType: 'modernbert', longest: 40 },
] as const

const tolerance = { absolute: 1e-5, relative: 1e-5 }
const width = 11

beforeAll(async () => {
  await tf.setBackend('cpu')
})

/** The backbone's result for the fixture's batch, run eagerly. */
function hiddenStates(fixture: EncoderFixture, padding = 0) {
  const inputs = tensorsOf(fixtureBatch(fixture, 'sequence-classification', padding))
  const run = { config: fixture.config, training: false }
  const hidden = fixture.family.backbone(parametersOf(fixture), inputs as never, run)
  return { hidden, attentionMask: inputs.attentionMask! }
}

describe.each(families)('$name', ({ name, modelType, longest }) => {
  let fixture: EncoderFixture
  beforeAll(async () => {
    fixture = await loadEncoderFixture(name)
  })

  it('names and shapes its parameters as the checkpoint does', () => {
    expect(fixture.config.modelType).toBe(modelType)
    const ours = Object.assign({}, ...tasks.map((task) => shapesOf(fixture, task))) as object
    const theirs = Object.fromEntries([...fixture.weights].map(([key, { shape }]) => [key, shape]))
    expect(ours).toEqual(theirs)
    for (const key of Object.keys(fixture.family.parameterShapes(fixture.config, 'feature-extraction')))
      expect(key.startsWith(fixture.family.backbonePrefix), key).toBe(true)
  })

  it('takes inputs as long as its positions allow', () => {
    expect(fixture.family.maxLength(fixture.config)).toBe(longest)
    const ids = [Array.from({ length: longest }, (_, index) => 5 + (index % 40))]
    const inputs = tensorsOf({ inputIds: int32(ids), attentionMask: int32([ids[0]!.map(() => 1)]) })
    const run = { config: fixture.config, training: false }
    const hidden = fixture.family.backbone(parametersOf(fixture), inputs as never, run)
    expect(hidden.dataSync().every(Number.isFinite)).toBe(true)
  })

  describe.each(engines)('on the engine %s', (_, createEngine) => {
    const engine = createEngine()

    it.each(tasks)('computes logits, loss and every gradient of PyTorch: %s', async (task) => {
      const model = await compileTask(engine, fixture, { task })
      const { logits, loss } = await model.run(fixtureBatch(fixture, task))
      const expected = fixture.outputs.tasks[task]
      // What padding scores means nothing, and depends on how it is hidden.
      const counted = (values: ArrayLike<number>) => {
        if (task !== 'token-classification') return Array.from(values)
        const labels = fixture.config.labels.length
        const isToken = fixture.outputs.attentionMask.flat()
        return Array.from(values).filter((_, at) => isToken[Math.floor(at / labels)] === 1)
      }
      expect(counted(logits!.data)).toBeAllClose(counted(expected.logits.flat(2)), tolerance)
      expect(loss!.data).toBeAllClose([expected.loss], tolerance)
      await expectGradients(model, `${fixture.directory}/gradients-${task}.safetensors`)
      await model.dispose()
    })

    it('computes the same at other sizes of the batch, however long the padding', async () => {
      const model = await compileTask(engine, fixture, { task: 'token-classification' })
      const expected = fixture.outputs.tasks['token-classification'].logits as number[][][]
      for (const padding of [0, 7, 2]) {
        const { logits } = await model.run(fixtureBatch(fixture, 'token-classification', padding))
        expect(logits!.shape).toEqual([3, width + padding, 4])
        fixture.outputs.attentionMask.forEach((mask, row) => {
          const length = mask.reduce((sum, one) => sum + one)
          const start = row * (width + padding) * 4
          const ours = (logits!.data as Float32Array).subarray(start, start + length * 4)
          expect(ours).toBeAllClose(expected[row]!.slice(0, length).flat(), tolerance)
        })
      }
      await model.dispose()
    })

    it('has dropout in training only, at every rate of its configuration', async () => {
      const logitsOf = async (change: object, seed: number) => {
        const changed = { ...fixture, config: { ...fixture.config, ...change } }
        const model = await compileTask(engine, changed, { task: 'sequence-classification', training: true })
        const { logits } = await model.run(fixtureBatch(fixture, 'sequence-classification'), seed)
        await model.dispose()
        return [...logits!.data]
      }
      const still = fixture.outputs.tasks['sequence-classification'].logits.flat(2)
      await expectDropout(['hiddenDropout', 'attentionDropout', 'classifierDropout'], logitsOf, still)
    })

    it('learns the batch in ten steps, and changes only what is trained', async () => {
      const backbone = fixture.family.parameterShapes(fixture.config, 'feature-extraction')
      const frozen = Object.keys(backbone)[0]!
      const task: HeadTask = 'sequence-classification'
      const model = await compileTask(engine, fixture, { task, trained: (key) => key !== frozen })
      const losses = await learn(model, fixtureBatch(fixture, task), 0.02)
      expect(losses[9]).toBeLessThan(0.9 * losses[0]!)
      expect(await model.store.read(frozen)).toEqual(fixture.weights.get(frozen)!.values)
      await model.dispose()
    })
  })

  it('starts a masked language model at a loss near ln(vocabulary)', async () => {
    const task = 'masked-language-modelling'
    const specs = fixture.family.parameterShapes(fixture.config, task)
    const parameters = await initialParameters(fixture.config, task, specs)
    const inputs = tensorsOf(fixtureBatch(fixture, task))
    delete inputs.maskedPositions
    const logits = forward(fixture, task, { parameters, inputs })
    expect(logits.shape).toEqual([3 * width, fixture.config.vocabSize])
    expectUniform(logits, fixture.config.vocabSize)
  })

  it('saves and loads identical weights and the same configuration', async () => {
    for (const task of tasks) {
      const specs = fixture.family.parameterShapes(fixture.config, task)
      const weightOf = (key: string) => fixture.weights.get(key)!.values
      const { checkpoint, directory } = await saveAndLoad('encoder', { ...fixture, task, specs, weightOf })
      expect(checkpoint.tokenizer.maxLength).toBe(longest)
      const { source: _, ...config } = checkpoint.config
      expect(config).toEqual({
        ...fixture.config,
        source: undefined,
        ...(task === 'masked-language-modelling' && { labels: ['LABEL_0', 'LABEL_1'] }),
      })
      await rm(directory, { recursive: true })
    }
  })

  it('writes the config.json that it was read from', () => {
    const { config } = fixture
    const { dtype, ...written } = formatConfig(config, 'sequence-classification')
    expect(dtype).toBe('float32')
    const again = readConfig(written)
    expect({ ...again, source: config.source }).toEqual(config)
    // transformers wrote every field of its configuration: what is spelled anew agrees with it.
    expect(config.source).toMatchObject(written)
    expect(formatConfig(config, 'token-classification')).toMatchObject({
      architectures: [expect.stringMatching(/ForTokenClassification$/)],
      label2id: { x: 0, w: 3 },
    })
  })

  it('scores one number for a regression, and keeps its problem type', () => {
    const config = withLabels(fixture.config, ['score'], 'regression')
    const again = readConfig(formatConfig(config, 'sequence-classification'))
    expect(again).toMatchObject({ labels: ['score'], problemType: 'regression' })
    const parameters = parametersOf(fixture)
    for (const [key, { shape }] of Object.entries(
      fixture.family.parameterShapes(config, 'sequence-classification'),
    )) {
      if (parameters[key]!.shape.join() !== shape.join()) parameters[key] = tf.ones([...shape])
    }
    const inputs = tensorsOf(fixtureBatch(fixture, 'sequence-classification'))
    const logits = forward({ ...fixture, config }, 'sequence-classification', { parameters, inputs })
    expect(logits.shape).toEqual([3, 1])
  })

  it('gives sentence embeddings that padding does not change', () => {
    const plain = hiddenStates(fixture)
    const padded = hiddenStates(fixture, 6)
    const size = fixture.config.hiddenSize
    expect(plain.hidden.shape).toEqual([3, width, size])
    const mean = meanPool(plain.hidden, plain.attentionMask)
    expect(mean.shape).toEqual([3, size])
    const paddedMean = meanPool(padded.hidden, padded.attentionMask)
    expect(mean.dataSync()).toBeAllClose(paddedMean.dataSync(), tolerance)
    const first = firstToken(plain.hidden)
    expect(first.shape).toEqual([3, size])
    expect(first.dataSync()).toBeAllClose(firstToken(padded.hidden).dataSync(), tolerance)
    const pooledVector = fixture.family.pooledOutput(parametersOf(fixture), plain.hidden, fixture.config)
    expect(pooledVector.shape).toEqual([3, size])
  })

  it('runs as ONNX outside tfx', async () => {
    const read = (key: string) => Promise.resolve(fixture.weights.get(key)!.values)
    const toBytes = await exportEncoder({ config: fixture.config, read })
    const session = await InferenceSession.create(toBytes('float32'))
    for (const padding of [0, 3]) {
      const batch = fixtureBatch(fixture, 'sequence-classification', padding)
      const feeds = Object.entries({
        input_ids: batch.inputIds,
        attention_mask: batch.attentionMask,
        token_type_ids: batch.tokenTypeIds,
      }).flatMap(([key, host]) =>
        host
          ? [[key, new OnnxTensor('int64', BigInt64Array.from(host.data, BigInt), host.shape)] as const]
          : [],
      )
      const { logits } = await session.run(Object.fromEntries(feeds))
      const expected = fixture.outputs.tasks['sequence-classification'].logits.flat(2)
      expect(logits!.data as Float32Array).toBeAllClose(expected, tolerance)
    }
    await session.release()
  })
})

it('refuses the mean of a sequence without its mask, which would count padding', async () => {
  const fixture = await loadEncoderFixture('modernbert')
  const { hidden } = hiddenStates(fixture)
  const run = { config: fixture.config, training: false }
  expect(() => fixture.family.sequenceClassificationHead(parametersOf(fixture), hidden, run)).toThrow(
    "sequenceClassificationHead: 'attentionMask' must be that of the inputs",
  )
})
