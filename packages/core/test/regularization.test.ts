import '@tensorflow/tfjs-backend-cpu'
import { createOnnxEngine, createTfjsEngine } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { type BartConfig, type ChangeWords, isWordTable, loadCheckpoint, type Parameters } from '../src/index'
import { loadDecoderFixture } from './decoder-contract'
import { loadEncoderFixture } from './encoder-contract'
import { int32, near, parametersOf, type Weights } from './model-contract'
import { loadSequenceFixture } from './sequence-to-sequence-contract'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

/** A model without dropout, and what its backbone computes of the fixture's batch. */
interface Backbone {
  readonly parameters: Parameters
  readonly run: (
    parameters: Parameters,
    inputs: Readonly<Record<string, tf.Tensor | ChangeWords>>,
    options: { training: boolean; stochasticDepth: number },
  ) => tf.Tensor
  readonly inputs: Readonly<Record<string, { shape: readonly number[]; data: Int32Array }>>
}

interface Batch {
  inputIds: number[][]
  attentionMask: number[][]
}

const batchOf = ({ inputIds, attentionMask }: Batch) =>
  ({ inputIds: int32(inputIds), attentionMask: int32(attentionMask) }) as Backbone['inputs']

const withoutDropout = { hiddenDropout: 0, attentionDropout: 0, embeddingDropout: 0, activationDropout: 0 }

/** The backbone of a fixture, computed by `compute`. */
function backboneOf(
  fixture: { readonly config: object; readonly weights: Weights; readonly outputs: Batch },
  compute: (parameters: Parameters, inputs: never, rates: never) => tf.Tensor,
): Backbone {
  return {
    parameters: parametersOf(fixture),
    inputs: batchOf(fixture.outputs),
    run: (parameters, inputs, { training, ...rates }) =>
      compute(
        parameters,
        inputs as never,
        { config: { ...fixture.config, ...withoutDropout, ...rates }, training } as never,
      ),
  }
}

async function encoder(name: string): Promise<Backbone> {
  const fixture = await loadEncoderFixture(name)
  return backboneOf(fixture, (...given) => fixture.family.backbone(...given))
}

async function decoder(name: string): Promise<Backbone> {
  const fixture = await loadDecoderFixture(name)
  return backboneOf(fixture, (...given) => fixture.family.backbone(...given).hidden)
}

async function encoderOfTwo(name: string): Promise<Backbone> {
  const fixture = await loadSequenceFixture(name)
  return backboneOf(fixture, (...given) => fixture.family.encoder(...given))
}

const backbones: [string, (name: string) => Promise<Backbone>][] = [
  ...['bert', 'distilbert', 'roberta', 'electra', 'mpnet', 'albert', 'modernbert', 'deberta-v3'].map(
    (name) => [name, encoder] as [string, typeof encoder],
  ),
  ...['gpt2', 'llama', 'gemma2', 'phi3'].map((name) => [name, decoder] as [string, typeof decoder]),
  ...['t5', 'bart', 'm2m_100'].map((name) => [name, encoderOfTwo] as [string, typeof encoderOfTwo]),
]

describe.each(backbones)('%s', (name, load) => {
  it('can have its words changed before it reads them', async () => {
    const { parameters, run, inputs } = await load(name)
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([key, { data, shape }]) => [key, tf.tensor(data, [...shape], 'int32')]),
    )
    const plain = { training: false, stochasticDepth: 0 }
    const doubled = Object.entries(parameters).map(([key, value]) => [
      key,
      isWordTable(key) ? tf.mul(value, 2) : value,
    ])
    const expected = run(Object.fromEntries(doubled) as Parameters, tensors, plain).dataSync()
    const hidden = run(parameters, { ...tensors, changeWords: (words) => tf.mul(words, 2) }, plain).dataSync()
    expect(hidden).toBeAllClose(expected, near(expected))
    expect(run(parameters, tensors, plain).dataSync()).not.toEqual(hidden)
  })

  it('leaves parts of its layers out while it is trained', async () => {
    const { parameters, run, inputs } = await load(name)
    const engine = createTfjsEngine('cpu')
    const hidden = async (training: boolean, stochasticDepth: number, seed: number) => {
      const size = { shape: inputs.inputIds!.shape, dtype: 'int32' } as const
      const program = await engine.compile(
        (step) => ({ hidden: run(parameters, step.inputs, { training, stochasticDepth }) }),
        { inputs: { inputIds: size, attentionMask: size } },
      )
      const result = await program.run(inputs as never, { seed })
      await program.dispose()
      return result.hidden!.data
    }
    const plain = await hidden(false, 0.5, 1)
    expect(await hidden(true, 0, 1)).toEqual(plain)
    const some = await Promise.all([1, 2, 3, 4].map((seed) => hidden(true, 0.5, seed)))
    expect(new Set(some.map((values) => values.join())).size).toBeGreaterThan(1)
    expect(await hidden(true, 0.5, 2)).toEqual(some[1])
    for (const values of some) expect(values.every(Number.isFinite)).toBe(true)
  })
})

it('leaves whole layers of BART out, as its configuration says', async () => {
  const fixture = await loadSequenceFixture('bart')
  const { family, outputs } = fixture
  if (family.modelType !== 'bart') throw new Error('no BART')
  const config = { ...fixture.config, ...withoutDropout } as BartConfig
  const parameters = parametersOf(fixture)
  const engine = createTfjsEngine('cpu')
  const encode = async (own: Parameters, change: Partial<BartConfig>, seed: number) => {
    const size = { shape: [outputs.inputIds.length, outputs.inputIds[0]!.length], dtype: 'int32' } as const
    const run = { config: { ...config, ...change }, training: true }
    const program = await engine.compile(
      ({ inputs }) => ({ hidden: family.encoder(own, inputs as never, run) }),
      { inputs: { inputIds: size, attentionMask: size } },
    )
    const { hidden } = await program.run(batchOf(outputs) as never, { seed })
    await program.dispose()
    return hidden!.data
  }
  const second = Object.entries(parameters)
    .filter(([name]) => !name.includes('encoder.layers.0.'))
    .map(([name, value]) => [name.replace('encoder.layers.1.', 'encoder.layers.0.'), value] as const)
  const possible = [
    await encode(parameters, { encoderLayerDrop: 0 }, 0),
    await encode(parameters, { encoderLayerDrop: 0, numEncoderLayers: 1 }, 0),
    await encode(Object.fromEntries(second), { encoderLayerDrop: 0, numEncoderLayers: 1 }, 0),
    await encode(parameters, { encoderLayerDrop: 0, numEncoderLayers: 0 }, 0),
  ]
  expect(config.numEncoderLayers).toBe(2)
  const seen = new Set<number>()
  for (let seed = 0; seed < 16; seed++) {
    const hidden = await encode(parameters, { encoderLayerDrop: 0.5 }, seed)
    const which = possible.findIndex((values) =>
      values.every((value, i) => Math.abs(value - hidden[i]!) < 1e-5),
    )
    expect(which).toBeGreaterThanOrEqual(0)
    seen.add(which)
  }
  expect([...seen].sort()).toEqual([0, 1, 2, 3])
})

it.each([
  ['onnx', createOnnxEngine({ threads: 1 })],
  ['tfjs', createTfjsEngine('cpu')],
] as const)(
  'stochastic depth leaves out what torchvision would of a BERT, on the %s engine',
  async (_, engine) => {
    const fixture = loadFixture<Batch & { rate: number; combinations: number[][][] }>('core/stochastic-depth')
    const checkpoint = await loadCheckpoint(fixturePath('core/bert-classification'), { kind: 'encoder' })
    const { family, config: own } = checkpoint
    // Rates grow from 0 in the first layer to the given one in the last.
    const config = { ...own, ...withoutDropout, classifierDropout: 0, stochasticDepth: fixture.rate }
    const task = 'sequence-classification'
    const specs = family.parameterShapes(config, task)
    const store = engine.createStore(
      Object.fromEntries(Object.entries(specs).map(([key, { shape }]) => [key, shape])),
    )
    await checkpoint.loadParameters(task, { write: (key, values) => store.write(key, values) })
    const size = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
    const program = await engine.compile(
      ({ inputs, parameters }) => {
        const run = { config, training: true }
        const hidden = family.backbone(parameters, inputs as never, run)
        return { logits: family.sequenceClassificationHead(parameters, hidden, run) }
      },
      { inputs: { inputIds: size, attentionMask: size }, parameters: store },
    )
    const seen = new Set<number>()
    for (let seed = 0; seed < 16; seed++) {
      const { logits } = await program.run(batchOf(fixture) as never, { seed })
      for (const [row] of fixture.inputIds.entries()) {
        const width = config.labels.length
        const values = [...(logits!.data as Float32Array).subarray(row * width, (row + 1) * width)]
        const which = fixture.combinations.findIndex((rows) =>
          rows[row]!.every((value, index) => Math.abs(value - values[index]!) < 1e-5),
        )
        expect(which, `row ${row} of seed ${seed}: ${values.join()}`).toBeGreaterThanOrEqual(0)
        seen.add(which)
      }
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3])
    await program.dispose()
    store.dispose()
  },
)
