import '@tensorflow/tfjs-backend-cpu'
import { createOnnxEngine, createTfjsEngine, type Engine } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { beforeAll, describe, expect, it } from 'vitest'
import { formatConfig, initializeParameters, readConfig } from '../src/index'
import { readTensors } from './encoder-contract'
import {
  compileSequence,
  loadSequenceFixture,
  sequenceBatch,
  type SequenceFixture,
  sequenceForward,
  sequenceShapes,
} from './sequence-to-sequence-contract'

/** Every encoder-decoder: a folder of `fixtures/core/sequence-to-sequence`. */
const families = ['t5', 't5-gated', 'mt5', 'bart', 'marian', 'mbart', 'm2m_100', 'pegasus']
const engines: [string, () => Engine][] = [
  ['onnx', () => createOnnxEngine()],
  ['tfjs:cpu', () => createTfjsEngine('cpu')],
]
const task = 'sequence-to-sequence'
/** 1e-5 of the largest entry. */
const near = (expected: ArrayLike<number>) => ({
  absolute: 1e-5 * Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 1),
})

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const matrix = (rows: number[][]) => tf.tensor2d(rows, undefined, 'int32')
const parametersOf = ({ weights }: SequenceFixture) =>
  Object.fromEntries([...weights].map(([key, { shape, values }]) => [key, tf.tensor(values, [...shape])]))

describe.each(families)('%s', (name) => {
  let fixture: SequenceFixture
  beforeAll(async () => {
    fixture = await loadSequenceFixture(name)
  })
  /** The scores of the places that predict something. */
  const labelled = (logits: ArrayLike<number>, width: number) => {
    const { vocabSize } = fixture.config
    return fixture.outputs.labels.flatMap((labels, row) =>
      labels.flatMap((label, place) => {
        const start = (row * width + place) * vocabSize
        return label < 0 ? [] : Array.from({ length: vocabSize }, (_, id) => logits[start + id]!)
      }),
    )
  }

  it('names and shapes its parameters as the checkpoint does', () => {
    const theirs = Object.fromEntries([...fixture.weights].map(([key, { shape }]) => [key, shape]))
    expect(sequenceShapes(fixture)).toEqual(theirs)
  })

  it('makes the decoder inputs that transformers makes', () => {
    const { labels, decoderInputIds } = fixture.outputs
    expect(fixture.family.decoderInputs(matrix(labels), fixture.config).arraySync()).toEqual(decoderInputIds)
  })

  describe.each(engines)('on the engine %s', (_, createEngine) => {
    const engine = createEngine()

    it('computes logits, loss and every gradient of PyTorch', async () => {
      const model = await compileSequence(engine, fixture)
      const expected = labelled(fixture.outputs.logits.flat(2), 9)
      for (const padding of [4, 0]) {
        const { logits, loss } = await model.run(sequenceBatch(fixture, padding))
        expect(loss!.data).toBeAllClose([fixture.outputs.loss], near([fixture.outputs.loss]))
        expect(labelled(logits!.data, 9 + padding)).toBeAllClose(expected, near(expected))
      }
      const gradients = await readTensors(`${fixture.directory}/gradients.safetensors`)
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
      const rates = ['hiddenDropout', 'attentionDropout', 'activationDropout'] as const
      const none = Object.fromEntries(rates.map((rate) => [rate, 0]))
      const logitsOf = async (change: object, seed: number) => {
        const changed = { ...fixture, config: { ...fixture.config, ...change } }
        const model = await compileSequence(engine, changed, { training: true })
        const { logits } = await model.run(sequenceBatch(fixture), seed)
        await model.dispose()
        return labelled(logits!.data, 9)
      }
      const still = labelled(fixture.outputs.logits.flat(2), 9)
      expect(await logitsOf(none, 1)).toBeAllClose(still, near(still))
      for (const rate of rates) {
        const dropped = await logitsOf({ ...none, [rate]: 0.5 }, 1)
        expect(dropped, rate).not.toBeAllClose(still, { absolute: 1e-3 })
        expect(await logitsOf({ ...none, [rate]: 0.5 }, 2), rate).not.toEqual(dropped)
      }
    })

    it('learns the batch in ten steps, and changes only what is trained', async () => {
      const frozen = Object.keys(sequenceShapes(fixture)).find((key) => key.includes('encoder'))!
      const model = await compileSequence(engine, fixture, { trained: (key) => key !== frozen })
      const losses: number[] = []
      for (let step = 0; step < 10; step++) {
        const { loss } = await model.run(sequenceBatch(fixture))
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
      expect(losses[9]).toBeLessThan(0.95 * losses[0]!)
      expect(await model.store.read(frozen)).toEqual(fixture.weights.get(frozen)!.values)
      await model.dispose()
    })
  })

  it('looks back only in the decoder, and at no padding in the encoder', () => {
    const parameters = parametersOf(fixture)
    const run = { config: fixture.config, training: false }
    const { inputIds, attentionMask, decoderInputIds } = fixture.outputs
    const encoded = fixture.family.encoder(
      parameters,
      { inputIds: matrix(inputIds), attentionMask: matrix(attentionMask) },
      run,
    )
    const cross = fixture.family.crossKeyValues(parameters, encoded, run)
    const decode = (ids: number[][]) =>
      fixture.family.decoder(
        parameters,
        { inputIds: matrix(ids), encoderAttentionMask: matrix(attentionMask), cross },
        run,
      ).hidden
    const plain = decode(decoderInputIds).arraySync() as number[][][]
    const changed = decode(decoderInputIds.map((row) => [...row.slice(0, 8), 37])).arraySync() as number[][][]
    plain.forEach((rows, index) => {
      expect(changed[index]!.slice(0, 8)).toEqual(rows.slice(0, 8))
      expect(changed[index]![8]).not.toEqual(rows[8])
    })
  })

  it('continues from cached keys and values as if it had seen all tokens at once', () => {
    const parameters = parametersOf(fixture)
    const run = { config: fixture.config, training: false }
    const { inputIds, attentionMask } = fixture.outputs
    const ids = fixture.outputs.decoderInputIds.map((row) => row.slice(0, 4))
    const mask = matrix(attentionMask)
    const encoded = fixture.family.encoder(
      parameters,
      { inputIds: matrix(inputIds), attentionMask: mask },
      run,
    )
    const cross = fixture.family.crossKeyValues(parameters, encoded, run)
    const common = { encoderAttentionMask: mask, cross }
    const whole = fixture.family.decoder(parameters, { inputIds: matrix(ids), ...common }, run)
    let past: typeof whole.present | undefined
    let hidden: tf.Tensor | undefined
    for (const [start, end] of [
      [0, 2],
      [2, 3],
      [3, 4],
    ] as const) {
      const result = fixture.family.decoder(
        parameters,
        {
          inputIds: matrix(ids.map((row) => row.slice(start, end))),
          attentionMask: tf.ones([3, end], 'int32'),
          past,
          ...common,
        },
        run,
      )
      past = result.present
      hidden = result.hidden
    }
    const { layers, heads, headSize } = fixture.family.cacheShape(fixture.config)
    expect(past!.map(({ key }) => key.shape)).toEqual(
      Array.from({ length: layers }, () => [3, heads, 4, headSize]),
    )
    const recent = tf.slice(whole.hidden, [0, 3, 0], [3, 1, fixture.config.hiddenSize]).dataSync()
    expect(hidden!.dataSync()).toBeAllClose(recent, near(recent))
  })

  it('starts at a loss near ln(vocabulary)', async () => {
    const parameters: Record<string, tf.Tensor> = {}
    const shapes = sequenceShapes(fixture)
    await initializeParameters({ ...fixture.config, initializerRange: 0.02 }, task, {
      write: (key, values) => void (parameters[key] = tf.tensor(values, [...shapes[key]!])),
    })
    const inputs = Object.fromEntries(
      Object.entries(sequenceBatch(fixture)).map(([key, { data, shape }]) => [
        key,
        tf.tensor(data, [...shape], 'int32'),
      ]),
    )
    const logits = sequenceForward(fixture, parameters, { inputs })
    const loss = tf.neg(tf.mean(tf.logSoftmax(logits))).dataSync()[0]
    expect(loss).toBeCloseTo(Math.log(fixture.config.vocabSize), 1)
  })

  it('writes the config.json that it was read from', () => {
    const { config } = fixture
    const written = formatConfig(config, task)
    const again = readConfig(JSON.parse(JSON.stringify(written)))
    expect({ ...again, source: config.source, labels: config.labels }).toEqual(config)
    expect(written.architectures).toEqual(config.source.architectures)
  })
})
