import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getEngine } from '@tfx/backend'
import {
  type DecoderConfig,
  loadCheckpoint,
  type ModelConfig,
  openSafetensors,
  readConfig,
  type SequenceToSequenceConfig,
} from '@tfx/core'
import { fixturePath, loadFixture } from '@tfx/testing'
import { afterAll, describe, expect, it } from 'vitest'
import {
  encodePairs,
  loadWriter,
  type TransferOptions,
  transferWriting,
  type WritingOptions,
} from '../src/index'
import { createStore } from '../src/runtime'
import { writingInputs, writingLoss } from '../src/writing/loss'
import { goOnHead, idOf, pairHead, special, tokenizer, type Pair, type Writer } from './writing-heads'

const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
afterAll(() => rm(folder, { recursive: true }))

const t5 = readConfig({
  model_type: 't5',
  vocab_size: tokenizer.vocabSize,
  d_model: 32,
  d_kv: 8,
  d_ff: 64,
  num_layers: 2,
  num_heads: 4,
  dropout_rate: 0,
  decoder_start_token_id: idOf('[PAD]'),
  ...special,
}) as SequenceToSequenceConfig
const llama = readConfig({
  model_type: 'llama',
  vocab_size: tokenizer.vocabSize,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  max_position_embeddings: 32,
  ...special,
}) as DecoderConfig

const words = ['good', 'bad', 'movie', 'film', 'play']
/** Every pair of words, and the other way round. */
const pairs = words.flatMap((first) =>
  words.map((second) => ({ text: `${first} ${second}`, target: `${second} ${first}` })),
)
const quick = { learningRate: 5e-3, batchSize: 5, seed: 1, progress: false } satisfies TransferOptions

const promptOf = {
  'encoder-decoder': ({ text }: Pair) => tokenizer.encode(text).inputIds,
  decoder: ({ text }: Pair) => tokenizer.encode(text).inputIds.slice(0, -1),
}

describe.each([
  { kind: 'encoder-decoder', head: pairHead, config: t5 },
  { kind: 'decoder', head: goOnHead as unknown as typeof pairHead, config: llama as unknown as typeof t5 },
] as const)('a model that writes, $kind', ({ kind, head, config }) => {
  const learn = (options: TransferOptions & WritingOptions = {}, dataset: unknown = pairs) =>
    transferWriting(
      head,
      { base: { config, tokenizer }, dataset: dataset as never },
      { ...quick, ...options },
    )
  const textOf = (tokens: readonly number[]) => tokenizer.decode(tokens)

  it('learns what to write, is saved, loaded and trained further', async () => {
    const model = await learn({ epochs: 60, validation: false })
    expect(model.training!.history[0]!.loss).toBeGreaterThan(2)
    const prompts = pairs.map(promptOf[kind])
    const written = await model.write(prompts)
    const right = pairs.filter(({ target }, index) => textOf(written[index]![0]!.tokens) === target)
    expect(right.length).toBeGreaterThanOrEqual(24)
    const streamed: number[] = []
    for await (const token of model.stream(prompts[0]!)) streamed.push(token)
    expect(streamed).toEqual(written[0]![0]!.tokens)
    const score = await model.measure(pairs, {})
    expect(score.loss).toBeLessThan(0.6)
    expect(score.perplexity).toBeCloseTo(Math.exp(score.loss), 10)

    const directory = join(folder, kind)
    await model.save(directory, { onnx: [] })
    const loaded = await loadWriter(head, directory)
    expect(loaded.generation.maxNewTokens).toBe(8)
    expect(await loaded.write(prompts)).toEqual(written)
    expect((await loaded.measure(pairs, {})).loss).toBeCloseTo(score.loss, 6)
    expect((await loadCheckpoint(directory)).kind).toBe(kind)
    const further = await transferWriting(head, { base: loaded, dataset: pairs }, { ...quick, epochs: 1 })
    expect(further.training!.history[0]!.loss).toBeLessThan(0.9)
    expect(further.notes).toEqual([])
    await Promise.all([model, loaded, further].map((each) => each.dispose()))
  }, 60_000)

  it('weighs batches by what is to be written: 8 × 1 learns as 2 × 4', async () => {
    const uneven = pairs.map((pair, index) => ({
      ...pair,
      target: Array(1 + (index % 4))
        .fill(pair.target)
        .join(' '),
    }))
    const options = { maxSteps: 3, batching: 'random', validation: false } as const
    const whole = await learn({ ...options, batchSize: 8 }, uneven)
    const parts = await learn({ ...options, batchSize: 2, gradientAccumulationSteps: 4 }, uneven)
    const losses = (model: Writer) => model.training!.history.map(({ loss }) => loss)
    expect(losses(parts)).toBeAllClose(losses(whole), { absolute: 1e-5 })
    await Promise.all([whole.dispose(), parts.dispose()])
  }, 60_000)

  it('learns with noise on its words and with layers left out, but not from mixtures', async () => {
    const first = async (options: TransferOptions) => {
      const model = await learn({ maxSteps: 1, validation: false, ...options })
      const { loss } = model.training!.history[0]!
      await model.dispose()
      return loss
    }
    const plain = await first({})
    for (const options of [{ neftuneAlpha: 5 }, { stochasticDepth: 0.5 }]) {
      const loss = await first(options)
      expect(loss).not.toBe(plain)
      expect(await first(options)).toBe(loss)
    }
    await expect(learn({ mixup: 0.2 })).rejects.toThrow(
      `transfer: 'mixup' must be left out for '${head.name}', which cannot learn by it, but got 0.2.`,
    )
  })

  it('evaluates by the loss without smoothing, and keeps the best', async () => {
    const model = await learn({ epochs: 2, labelSmoothing: 0.2, validation: pairs })
    const { evaluations, best } = model.training!
    expect(Object.keys(evaluations[0]!.metrics)).toEqual(['loss', 'perplexity'])
    expect(best!.metric).toBe('loss')
    expect((await model.measure(pairs, {})).loss).toBeCloseTo(best!.value, 5)
    await model.dispose()
  }, 60_000)

  it('refuses what is of another kind, or cannot be meant', async () => {
    await expect(learn({ labelSmoothing: 1 })).rejects.toThrow(
      "transfer: 'labelSmoothing' must be a number of at least 0 and below 1, but got 1.",
    )
    const encoder = { config: { ...config, modelType: 'bert' } as unknown as ModelConfig, tokenizer }
    await expect(transferWriting(head, { base: encoder, dataset: pairs }, quick)).rejects.toThrow(
      `transfer: 'base' must be one of kind '${kind}', which this task takes, but got one of kind 'encoder'. ` +
        'Choose another base, or the package of another task.',
    )
  })
})

describe('encodePairs', () => {
  const options = { tokenizer, maxLength: 6, truncation: false, caller: 'transfer', options: {} }

  it('puts a prefix in front, and gives targets a limit of their own', async () => {
    const [pair] = await encodePairs([{ text: 'movie', target: 'good' }], { ...options, prefix: 'good ' })
    expect(pair!.encoding.inputIds).toEqual(tokenizer.encode('good movie').inputIds)
    expect(pair!.labels).toEqual(tokenizer.encode('good').inputIds)
    const long = { text: 'movie', target: 'good good' }
    await expect(encodePairs([long], { ...options, maxTargetLength: 3 })).rejects.toThrow(
      "transfer: 'target' must be at most 3 tokens long, which is what the model takes, but got 1 longer; " +
        "the first is 'good good'.",
    )
    const [cut] = await encodePairs([long], { ...options, maxTargetLength: 3, truncation: true })
    expect(cut!.labels).toEqual(tokenizer.encode('good').inputIds)
  })
})

/** What the scripts beside the fixtures wrote. */
interface Outputs extends Record<'inputIds' | 'attentionMask' | 'labels', number[][]> {
  loss?: number
  tasks?: Record<string, { loss: number }>
}

describe('writingLoss', () => {
  it.each([
    ...['t5', 't5-gated', 'mt5', 'bart', 'marian', 'mbart', 'm2m_100', 'pegasus'].map((name) => [
      `sequence-to-sequence/${name}`,
    ]),
    ...['gpt2', 'llama', 'gemma2', 'qwen3'].map((name) => [`decoders/${name}`]),
  ])('is what Hugging Face computes: %s', async (name) => {
    const directory = fixturePath(`core/${name}`)
    const config = readConfig(JSON.parse(await readFile(`${directory}/config.json`, 'utf8')))
    const weights = await openSafetensors(`${directory}/model.safetensors`)
    const task = name.startsWith('decoders') ? 'causal-language-modelling' : 'sequence-to-sequence'
    const engine = await getEngine()
    const store = createStore(engine, { config, task })
    for (const key of Object.keys(store.shapes)) store.write(key, await weights.read(key))
    await weights.close()
    const outputs = loadFixture<Outputs>(`core/${name}/outputs`)
    const expected = outputs.loss ?? outputs.tasks!['causal-language-modelling']!.loss
    const run = { config: config as SequenceToSequenceConfig, training: false, labelSmoothing: 0 }
    const program = await engine.compile(
      ({ inputs, parameters }) => ({ loss: writingLoss(parameters, inputs, run) }),
      { inputs: writingInputs(run.config), parameters: store },
    )
    const tensor = (rows: number[][]) =>
      ({ dtype: 'int32', shape: [rows.length, rows[0]!.length], data: Int32Array.from(rows.flat()) }) as const
    const { loss } = await program.run({
      inputIds: tensor(outputs.inputIds),
      attentionMask: tensor(outputs.attentionMask),
      labels: tensor(outputs.labels),
    })
    expect(loss!.data[0]).toBeCloseTo(expected, 5)
    await program.dispose()
    store.dispose()
  })
})
