import '@tensorflow/tfjs-backend-cpu'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, softmaxCrossEntropy } from '@tfx/backend'
import { createRandom } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { fixturePath, loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  adapterSpecs,
  initialAdapter,
  loadAdapter,
  loadCheckpoint,
  mergedReader,
  type Parameters,
  promptTuning,
  saveAdapter,
  trainedNames,
  withPrompt,
} from '../src/index'
import { loadDecoderFixture } from './decoder-contract'
import { loadSequenceFixture, sequenceForward } from './sequence-to-sequence-contract'
import { engines, int32 } from './model-contract'

const { inputIds, attentionMask, labels, targets, outputs } = loadFixture<{
  inputIds: number[][]
  attentionMask: number[][]
  labels: number[]
  targets: number[][]
  outputs: Record<string, { logits: number[]; loss: number; gradient: number[] }>
}>('core/adapters/prompts')
const head = ['classifier.weight', 'classifier.bias']

async function collected<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}

type Tensors = Readonly<Record<string, tf.Tensor>>

/** Runs a model with the prompt of PEFT, and compares with what PEFT computes. */
async function expectPrompted(
  engine: Engine,
  name: string,
  {
    weights,
    logits,
    labels: rows,
    axes = [],
    isPadding = () => false,
  }: {
    weights: ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>
    logits: (parameters: Parameters, inputs: Tensors) => tf.Tensor
    labels: number[][] | number[]
    /** Of the labels, beside the batch. */
    axes?: string[]
    /** Rows of the logits that are nobody's. */
    isPadding?: (row: number) => boolean
  },
) {
  const { adapter, tensors } = await loadAdapter(fixturePath(`core/adapters/${name}`))
  expect(adapter).toEqual(promptTuning({ virtualTokens: 3 }))
  const all = new Map([...weights, ...tensors])
  const store = engine.createStore(Object.fromEntries([...all].map(([key, { shape }]) => [key, shape])), [
    'gradient',
  ])
  for (const [key, { values }] of all) store.write(key, values)
  const size = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  const program = await engine.compile(
    ({ inputs, parameters }) => {
      const scores = logits(parameters, inputs)
      const width = scores.shape.at(-1)!
      return {
        scores,
        loss: softmaxCrossEntropy(tf.reshape(scores, [-1, width]), tf.reshape(inputs.labels!, [-1])),
      }
    },
    {
      inputs: {
        inputIds: size,
        attentionMask: size,
        labels: { shape: ['batch', ...axes], dtype: 'int32' },
      },
      parameters: store,
      gradients: { of: 'loss', withRespectTo: ['prompt_embeddings'] },
    },
  )
  const batch = {
    inputIds: int32(inputIds.map((row) => [4, 4, 4, ...row])),
    attentionMask: int32(attentionMask.map((row) => [1, 1, 1, ...row])),
    labels: int32(rows),
  }
  const { scores, loss } = await program.run(batch)
  const expected = outputs[name]!
  const width = scores!.shape.at(-1)!
  const counted = (values: ArrayLike<number>) =>
    Float32Array.from(Array.from(values).filter((_, index) => !isPadding(Math.floor(index / width))))
  expect(counted(scores!.data)).toBeAllClose(counted(expected.logits), { absolute: 1e-5, relative: 1e-5 })
  expect(loss!.data[0]).toBeCloseTo(expected.loss, 5)
  const gradient = await store.read('prompt_embeddings', 'gradient')
  expect(gradient).toBeAllClose(expected.gradient.slice(0, gradient.length), { absolute: 1e-5 })
  await program.dispose()
  store.dispose()
}

/** The tiny BERT with its classifier. */
async function loadBert() {
  const task = 'sequence-classification'
  const checkpoint = await loadCheckpoint(fixturePath('core/bert-classification'), { kind: 'encoder' })
  const weights = new Map<string, { shape: readonly number[]; values: Float32Array }>()
  const specs = checkpoint.family.parameterShapes(checkpoint.config, task)
  await checkpoint.loadParameters(task, {
    write: (key, values) => void weights.set(key, { shape: specs[key]!.shape, values }),
  })
  return { checkpoint, weights, specs }
}

describe.each(engines)('prompts of PEFT on the engine %s', (_, createEngine) => {
  const engine = createEngine()

  it('in front of what a BERT classifies', async () => {
    const { checkpoint, weights } = await loadBert()
    const { family, config } = checkpoint
    await expectPrompted(engine, 'bert-prompt', {
      weights,
      labels,
      logits(parameters, inputs) {
        const run = { config, training: false }
        const hidden = family.backbone(parameters, withPrompt(parameters, inputs) as never, run)
        return family.sequenceClassificationHead(parameters, hidden, run)
      },
    })
  })

  it.each(['gpt2', 'llama'])('in front of what %s continues', async (name) => {
    const fixture = await loadDecoderFixture(name)
    const { family, config } = fixture
    const next = inputIds.map((row, index) => {
      const own = row.map((id, place) => (attentionMask[index]![place] === 1 ? id : -100))
      // A prompt of three: its last token predicts the first word.
      return [-100, -100, ...own, -100]
    })
    await expectPrompted(engine, `${name}-prompt`, {
      weights: fixture.weights,
      labels: next,
      axes: ['sequence'],
      isPadding: (row) => row >= 16,
      logits(parameters, inputs) {
        const run = { config, training: false }
        const { hidden } = family.backbone(parameters, withPrompt(parameters, inputs) as never, run)
        const [batch, total, size] = hidden.shape as [number, number, number]
        const rows = tf.reshape(hidden, [batch * total, size])
        return tf.reshape(family.languageModelHead(parameters, rows, run), [batch, total, config.vocabSize])
      },
    })
  })

  it('in front of what the encoder of a T5 reads', async () => {
    const fixture = await loadSequenceFixture('t5')
    await expectPrompted(engine, 't5-prompt', {
      weights: fixture.weights,
      labels: targets,
      axes: ['target'],
      logits(parameters, inputs) {
        const prompted = withPrompt(parameters, inputs) as never
        return sequenceForward(fixture, parameters, { inputs: prompted })
      },
    })
  })
})

describe('a prompt', () => {
  it('starts as the words of a text, or at random, and is saved as it was loaded', async () => {
    const { checkpoint, weights, specs } = await loadBert()
    const model = { config: checkpoint.config, specs }
    const read = async (name: string) => weights.get(name)!.values
    const start = async (text?: string) => {
      const adapter = promptTuning({ virtualTokens: 5, ...(text !== undefined && { text }) })
      const source = { random: createRandom(1), read, encode: () => [2, 9, 3] }
      const [first] = await collected(initialAdapter(adapter, model, source))
      expect(first![0]).toBe('prompt_embeddings')
      return first![1]
    }
    const table = weights.get('bert.embeddings.word_embeddings.weight')!.values
    const words = [2, 9, 3, 2, 9].flatMap((id) => [...table.subarray(id * 16, (id + 1) * 16)])
    expect(await start('any')).toEqual(Float32Array.from(words))
    const random = await start()
    const mean = random.reduce((sum, value) => sum + value / random.length, 0)
    const square = random.reduce((sum, value) => sum + value ** 2 / random.length, 0)
    expect(Math.abs(mean)).toBeLessThan(0.5)
    expect(square).toBeGreaterThan(0.6)
    expect(square).toBeLessThan(1.5)

    const { adapter, tensors } = await loadAdapter(fixturePath('core/adapters/bert-prompt'))
    expect(adapterSpecs(adapter, model)).toMatchObject({ prompt_embeddings: { shape: [3, 16] } })
    expect(trainedNames(adapter, model, head)).toEqual(['prompt_embeddings', ...head])
    expect(await mergedReader(adapter, model, read)('classifier.bias')).toEqual(await read('classifier.bias'))
    const directory = await mkdtemp(join(tmpdir(), 'tfx-prompt-'))
    try {
      await saveAdapter(join(directory, 'own'), {
        adapter: adapter,
        ...model,
        head,
        read: async (name) => tensors.get(name)!.values,
        taskType: 'SEQ_CLS',
      })
      const again = await loadAdapter(join(directory, 'own'))
      expect(again.adapter).toEqual(adapter)
      expect(new Map([...again.tensors].sort())).toEqual(new Map([...tensors].sort()))
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('needs tokens, and a number of them', async () => {
    expect(() => promptTuning({ virtualTokens: 0 })).toThrow(
      "promptTuning: 'virtualTokens' must be a whole number above 0, but got 0.",
    )
    const { checkpoint, specs } = await loadBert()
    const model = { config: checkpoint.config, specs }
    const source = { random: createRandom(1), read: async () => new Float32Array(), encode: () => [] }
    await expect(collected(initialAdapter(promptTuning({ text: ' ' }), model, source))).rejects.toThrow(
      "promptTuning: 'text' must be a text with tokens",
    )
  })
})
