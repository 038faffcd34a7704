import { getEngine, type ParameterStore } from '@tfx/backend'
import { tf } from '@tfx/compiler'
import {
  type DecoderConfig,
  loadCheckpoint,
  modelFamily,
  type Parameters,
  type SequenceToSequenceConfig,
  type Task,
  type Tokenizer,
} from '@tfx/core'
import { fixturePath, loadFixture } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writingInputs, writingLoss } from '../src/writing/loss'
import { writtenBy } from './written-by'

/** What fixtures/transfer/bases.py recorded of a base. */
interface Expected {
  texts: string[]
  ids: number[][]
  decoded: string[]
  input: string
  labels?: number[]
  loss: number
  /** Some scores of each position. */
  logits: number[][]
  written: number[]
}
const { every, ...expected } = loadFixture<
  { every: number } & Record<'base-seq2seq' | 'base-decoder', Expected>
>('transfer/bases')

type Config = DecoderConfig | SequenceToSequenceConfig

/** The scores of every position that is written, float32 [tokens, vocabulary]. */
function scores(parameters: Parameters, inputs: Record<string, tf.Tensor>, config: Config): tf.Tensor {
  const { inputIds, attentionMask, labels } = inputs as Record<
    'inputIds' | 'attentionMask' | 'labels',
    tf.Tensor
  >
  const rows = (hidden: tf.Tensor) => tf.reshape(hidden, [-1, config.hiddenSize])
  if (config.modelType === 'llama') {
    const family = modelFamily(config.modelType)
    const run = { config, training: false }
    const { hidden } = family.backbone(parameters, { inputIds, attentionMask }, run)
    return family.languageModelHead(parameters, rows(hidden), run)
  }
  const run = { config: config as SequenceToSequenceConfig, training: false }
  const family = modelFamily(run.config.modelType)
  const cross = family.crossKeyValues(
    parameters,
    family.encoder(parameters, { inputIds, attentionMask }, run),
    run,
  )
  const decoder = {
    inputIds: family.decoderInputs(labels, run.config),
    encoderAttentionMask: attentionMask,
    cross,
  }
  return family.languageModelHead(parameters, rows(family.decoder(parameters, decoder, run).hidden), run)
}

const row = (ids: readonly number[]) => ({
  dtype: 'int32' as const,
  shape: [1, ids.length],
  data: Int32Array.from(ids),
})

describe.each(['base-seq2seq', 'base-decoder'] as const)('@tfx/%s is what Python makes of it', (base) => {
  const directory = fixturePath(`../packages/${base}`)
  const { texts, ids, decoded, input, labels, loss, logits, written } = expected[base]
  let tokenizer: Tokenizer
  let config: Config
  let store: ParameterStore
  beforeAll(async () => {
    const checkpoint = await loadCheckpoint(directory)
    tokenizer = checkpoint.tokenizer
    config = checkpoint.config as Config
    const task: Task = base === 'base-decoder' ? 'causal-language-modelling' : 'sequence-to-sequence'
    const specs = modelFamily(config.modelType as string).parameterShapes(config, task)
    const shapes = Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape]))
    store = (await getEngine()).createStore(shapes)
    const report = await checkpoint.loadParameters(task as never, {
      write: (name, values) => store.write(name, values),
    })
    expect(report.newlyInitialised).toEqual([])
  })
  afterAll(() => store.dispose())

  it('token for token', () => {
    expect(texts.map((text) => tokenizer.encode(text).inputIds)).toEqual(ids)
    expect(ids.map((tokens) => tokenizer.decode(tokens))).toEqual(decoded)
  })

  it('score by score', async () => {
    const engine = await getEngine()
    const program = await engine.compile(
      ({ inputs, parameters }) => ({
        loss: writingLoss(parameters, inputs, { config, training: false, labelSmoothing: 0 }),
        logits: scores(parameters, inputs, config),
      }),
      { inputs: writingInputs(config), parameters: store },
    )
    const { inputIds } = tokenizer.encode(input)
    const outputs = await program.run({
      inputIds: row(inputIds),
      attentionMask: row(inputIds.map(() => 1)),
      labels: row(labels ?? inputIds),
    })
    expect(outputs.loss!.data[0]).toBeCloseTo(loss, 4)
    const chosen = Array.from(outputs.logits!.data as Float32Array).filter(
      (_, index) => (index % config.vocabSize) % every === 0,
    )
    expect(Float32Array.from(chosen)).toBeAllClose(Float32Array.from(logits.flat()), { absolute: 1e-4 })
    await program.dispose()
  })

  it('and writes on greedily with the same tokens', async () => {
    const [tokens] = await writtenBy(directory, [tokenizer.encode(input).inputIds], 16)
    expect(tokens).toEqual(written)
  })
})
