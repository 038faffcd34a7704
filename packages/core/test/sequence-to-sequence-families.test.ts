import '@tensorflow/tfjs-backend-cpu'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tf } from '@tfx/compiler'
import { beforeAll, describe, expect, it } from 'vitest'
import { formatConfig, readConfig } from '../src/index'
import {
  engines,
  expectDropout,
  expectGradients,
  expectUniform,
  initialParameters,
  learn,
  matrix,
  near,
  parametersOf,
  readTensors,
  saveAndLoad,
  tensorsOf,
} from './model-contract'
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
const task = 'sequence-to-sequence'
beforeAll(async () => {
  await tf.setBackend('cpu')
})

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
      await expectGradients(model, `${fixture.directory}/gradients.safetensors`)
      await model.dispose()
    })

    it('has dropout in training only, at every rate of its configuration', async () => {
      const logitsOf = async (change: object, seed: number) => {
        const changed = { ...fixture, config: { ...fixture.config, ...change } }
        const model = await compileSequence(engine, changed, { training: true })
        const { logits } = await model.run(sequenceBatch(fixture), seed)
        await model.dispose()
        return labelled(logits!.data, 9)
      }
      const still = labelled(fixture.outputs.logits.flat(2), 9)
      await expectDropout(['hiddenDropout', 'attentionDropout', 'activationDropout'], logitsOf, still)
    })

    it('learns the batch in ten steps, and changes only what is trained', async () => {
      const frozen = Object.keys(sequenceShapes(fixture)).find((key) => key.includes('encoder'))!
      const model = await compileSequence(engine, fixture, { trained: (key) => key !== frozen })
      const losses = await learn(model, sequenceBatch(fixture), 0.05)
      expect(losses[9]).toBeLessThan(0.95 * losses[0]!)
      expect(await model.store.read(frozen)).toEqual(fixture.weights.get(frozen)!.values)
      await model.dispose()
    })
  })

  it('looks back only in the decoder', () => {
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
    const specs = fixture.family.parameterShapes(fixture.config, task)
    const parameters = await initialParameters({ ...fixture.config, initializerRange: 0.02 }, task, specs)
    const inputs = tensorsOf(sequenceBatch(fixture))
    expectUniform(sequenceForward(fixture, parameters, { inputs }), fixture.config.vocabSize)
  })

  it('saves and loads identical weights and the same configuration', async () => {
    const specs = fixture.family.parameterShapes(fixture.config, task)
    const weightOf = (key: string) => fixture.weights.get(key)!.values
    const { checkpoint, directory } = await saveAndLoad('encoder-decoder', {
      ...fixture,
      task,
      specs,
      weightOf,
    })
    const stored = await readTensors(join(directory, 'model.safetensors'))
    expect(stored.has('lm_head.weight')).toBe(!fixture.config.tieWordEmbeddings)
    const { source, labels } = checkpoint.config
    expect(checkpoint.config).toEqual({ ...fixture.config, labels, source })
    await rm(directory, { recursive: true })
  })

  it('starts at zeros, silently, what a file lacks that is no weight', async () => {
    const name = 'final_logits_bias'
    const { [name]: bias, ...specs } = fixture.family.parameterShapes(fixture.config, task)
    if (bias === undefined) return
    const weightOf = (key: string) =>
      key === name ? new Float32Array(fixture.config.vocabSize) : fixture.weights.get(key)!.values
    const { directory } = await saveAndLoad('encoder-decoder', { ...fixture, task, specs, weightOf })
    await rm(directory, { recursive: true })
  })

  it('writes the config.json that it was read from', () => {
    const { config } = fixture
    const written = formatConfig(config, task)
    const again = readConfig(JSON.parse(JSON.stringify(written)))
    expect({ ...again, source: config.source, labels: config.labels }).toEqual(config)
    expect(written.architectures).toEqual(config.source.architectures)
  })
})
