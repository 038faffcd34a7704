import '@tensorflow/tfjs-backend-cpu'
import { createOnnxEngine, type Engine, softmaxCrossEntropy } from '@tfx/backend'
import { createRandom } from '@tfx/common'
import { tf } from '@tfx/compiler'
import { loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  createDecoderSteps,
  createSequenceSteps,
  generate,
  type GenerateOptions,
  initialAdapter,
  type Parameters,
  promptTuning,
  type StepModel,
  withPrompt,
} from '../src/index'
import { decoderForward, decoderLoss, decoderShapes, loadDecoderFixture } from './decoder-contract'
import { engines, int32, near, type Weights } from './model-contract'
import {
  loadSequenceFixture,
  sequenceForward,
  sequenceShapes,
  sequenceWriting,
} from './sequence-to-sequence-contract'

interface Written {
  prompt: number[]
  logits: number[]
  loss: number
  gradient: number[]
  greedy: number[][]
  beams: number[][]
}

const { virtualTokens, decoders, encoderDecoders } = loadFixture<{
  virtualTokens: number
  decoders: Record<string, Written & { prompts: number[][] }>
  encoderDecoders: Record<string, Written>
}>('core/adapters/writing-prompts')

/** A store of some weights with a prompt. */
function promptedStore(
  engine: Engine,
  shapes: Readonly<Record<string, readonly number[]>>,
  { weights, prompt }: { weights: Weights; prompt: readonly number[] },
) {
  const all = { ...shapes, prompt_embeddings: [virtualTokens, prompt.length / virtualTokens] }
  const store = engine.createStore(all, ['gradient'])
  for (const key of Object.keys(shapes)) store.write(key, weights.get(key)!.values)
  store.write('prompt_embeddings', Float32Array.from(prompt))
  return store
}

const inFront = (rows: number[][], value: number) =>
  int32(rows.map((row) => [...new Array<number>(virtualTokens).fill(value), ...row]))

/** Rows of the logits whose token is padding are nobody's. */
function expectLogits(
  scores: ArrayLike<number>,
  { logits, mask }: { logits: readonly number[]; mask: number[] },
) {
  const width = logits.length / mask.length
  const counted = (values: ArrayLike<number>) =>
    Float32Array.from(Array.from(values).filter((_, index) => mask[Math.floor(index / width)] === 1))
  expect(counted(scores)).toBeAllClose(counted(logits), near(logits))
}

/** The loss with its scores, and the gradient of the prompt. */
async function computed(
  engine: Engine,
  store: ReturnType<typeof promptedStore>,
  {
    compute,
    batch,
    target,
  }: {
    compute: (
      parameters: Parameters,
      inputs: Readonly<Record<string, tf.Tensor>>,
    ) => Record<string, tf.Tensor>
    batch: Record<'inputIds' | 'attentionMask' | 'labels', ReturnType<typeof int32>>
    target: string
  },
) {
  const ids = { shape: ['batch', 'sequence'], dtype: 'int32' } as const
  const program = await engine.compile(({ inputs, parameters }) => compute(parameters, inputs), {
    inputs: { inputIds: ids, attentionMask: ids, labels: { shape: ['batch', target], dtype: 'int32' } },
    parameters: store,
    gradients: { of: 'loss', withRespectTo: ['prompt_embeddings'] },
  })
  const { scores, loss } = await program.run(batch)
  await program.dispose()
  const gradient = await store.read('prompt_embeddings', 'gradient')
  return { scores: scores!.data as Float32Array, loss: loss!.data[0]!, gradient }
}

const until = (row: readonly number[], ends: readonly number[]) => {
  const end = row.findIndex((token) => ends.includes(token))
  return end < 0 ? [...row] : row.slice(0, end + 1)
}

it.each(['gpt2', 'llama', 'gemma2', 'gemma3_text'])(
  'a prompt that starts as a text is read as the text: %s',
  async (name) => {
    const engine = createOnnxEngine()
    const fixture = await loadDecoderFixture(name)
    const { config, family, weights } = fixture
    const specs = family.parameterShapes(config, 'causal-language-modelling')
    const text = [5, 8, 13]
    const source = {
      random: createRandom(1),
      read: async (key: string) => weights.get(key)!.values,
      encode: () => text,
    }
    const adapter = promptTuning({ virtualTokens: 3, text: 'any' })
    const started = await initialAdapter(adapter, { config, specs }, source).next()
    const [, prompt] = started.value as [string, Float32Array]
    const shapes = decoderShapes(fixture, 'causal-language-modelling')
    const store = promptedStore(engine, shapes, { weights, prompt: [...prompt] })
    const prompted = createDecoderSteps(engine, { config, store })
    const plain = createDecoderSteps(engine, { config, store: withoutPrompt(store) })
    const scoresOf = async (model: StepModel, ids: number[]) => {
      const inputIds = Int32Array.from(ids)
      const batch = { rows: 1, length: ids.length, inputIds, attentionMask: inputIds.map(() => 1) }
      const session = await model.start(batch, { maxLength: 20, maxRows: 1, hiddenStates: false })
      return session.scores.slice()
    }
    const expected = await scoresOf(plain, [...text, 4, 9])
    expect(await scoresOf(prompted, [4, 9])).toBeAllClose(expected, near(expected))
    await Promise.all([prompted, plain].map((model) => model.dispose()))
    store.dispose()
  },
)

/** The same weights, read as those of a model that has no prompt. */
function withoutPrompt(store: ReturnType<typeof promptedStore>) {
  const { prompt_embeddings: _, ...shapes } = store.shapes
  return { ...store, shapes }
}

describe.each(engines)('a prompt of PEFT on the engine %s', (_, createEngine) => {
  const engine = createEngine()

  describe.each(Object.keys(decoders))('in front of what %s continues', (name) => {
    const expected = decoders[name]!
    const open = async () => {
      const fixture = await loadDecoderFixture(name)
      const shapes = decoderShapes(fixture, 'causal-language-modelling')
      return { fixture, store: promptedStore(engine, shapes, { ...fixture, prompt: expected.prompt }) }
    }

    it('has its scores, loss and gradient', async () => {
      const { fixture, store } = await open()
      const { inputIds, attentionMask } = fixture.outputs
      const labels = inputIds.map((row, index) =>
        row.map((id, place) => (attentionMask[index]![place] === 1 ? id : -100)),
      )
      const { scores, loss, gradient } = await computed(engine, store, {
        compute(parameters, inputs) {
          const prompted = withPrompt(parameters, inputs) as typeof inputs
          const task = 'causal-language-modelling'
          const scores = decoderForward(fixture, task, { parameters, inputs: prompted })
          return { scores, loss: decoderLoss(task, scores, inputs.labels!) }
        },
        batch: {
          inputIds: inFront(inputIds, 4),
          attentionMask: inFront(attentionMask, 1),
          labels: inFront(labels, -100),
        },
        target: 'sequence',
      })
      const mask = attentionMask.flatMap((row) => [1, 1, 1, ...row])
      expectLogits(scores, { logits: expected.logits, mask })
      expect(loss).toBeCloseTo(expected.loss, 5)
      expect(gradient).toBeAllClose(expected.gradient, { absolute: 2 * near(expected.gradient).absolute })
      store.dispose()
    })

    it('lets it write what PEFT writes, alone and beside longer texts', async () => {
      const { fixture, store } = await open()
      const model = createDecoderSteps(engine, { config: fixture.config, store })
      expect(model.maxPositions).toBe(37)
      const write = async (prompts: number[][], options: GenerateOptions = {}) => {
        const settings = { maxNewTokens: 9, eosTokenIds: [2], padTokenId: 0, ...options }
        return (await generate(model, prompts, settings)).map(([best]) => best!.tokens)
      }
      const greedy = expected.greedy.map((row) => until(row, [2]))
      for (const [index, prompt] of expected.prompts.entries())
        expect(await write([prompt])).toEqual([greedy[index]])
      // Of a LongRoPE the longest text of a batch decides how all of them are read.
      if (name !== 'phi3-long') {
        expect(await write(expected.prompts)).toEqual(greedy)
        const beams = await write(expected.prompts, { numBeams: 3 })
        expect(beams).toEqual(expected.beams.map((row) => until(row, [2])))
      }
      await model.dispose()
      store.dispose()
    })
  })

  describe.each(Object.keys(encoderDecoders))('in front of what the encoder of %s reads', (name) => {
    const expected = encoderDecoders[name]!
    const open = async () => {
      const fixture = await loadSequenceFixture(name)
      const store = promptedStore(engine, sequenceShapes(fixture), { ...fixture, prompt: expected.prompt })
      return { fixture, store }
    }

    it('has its scores, loss and gradient', async () => {
      const { fixture, store } = await open()
      const { inputIds, attentionMask, labels } = fixture.outputs
      const { scores, loss, gradient } = await computed(engine, store, {
        compute(parameters, inputs) {
          const prompted = withPrompt(parameters, inputs) as typeof inputs
          const scores = sequenceForward(fixture, parameters, { inputs: prompted })
          const rows = tf.reshape(scores, [-1, scores.shape[2]!])
          return { scores, loss: softmaxCrossEntropy(rows, tf.reshape(inputs.labels!, [-1])) }
        },
        batch: {
          inputIds: inFront(inputIds, 4),
          attentionMask: inFront(attentionMask, 1),
          labels: int32(labels),
        },
        target: 'target',
      })
      const mask = labels.flat().map((label) => (label === -100 ? 0 : 1))
      expectLogits(scores, { logits: expected.logits, mask })
      expect(loss).toBeCloseTo(expected.loss, 5)
      expect(gradient).toBeAllClose(expected.gradient, { absolute: 2 * near(expected.gradient).absolute })
      store.dispose()
    })

    it('lets it write what PEFT writes', async () => {
      const { fixture, store } = await open()
      const { config } = fixture
      const model = createSequenceSteps(engine, { config, store })
      const { texts, settings } = sequenceWriting(fixture)
      const write = async (options: GenerateOptions = {}) => {
        const written = await generate(model, texts, { ...settings, ...options })
        return written.map(([best]) => best!.tokens)
      }
      const ended = (rows: number[][]) => rows.map((row) => until(row, config.eosTokenIds))
      expect(await write()).toEqual(ended(expected.greedy))
      expect(await write({ numBeams: 3 })).toEqual(ended(expected.beams))
      await model.dispose()
      store.dispose()
    })
  })
})
