import '@tensorflow/tfjs-backend-cpu'
import type { Engine } from '@tfx/backend'
import { fixturePath, loadFixture } from '@tfx/testing'
import { describe, expect, it } from 'vitest'
import {
  createDecoderSteps,
  createPromptCache,
  createSequenceSteps,
  furtherParametersOf,
  generate,
  type GenerateOptions,
  loadAdapter,
  modelFamily,
  type PromptBatch,
  type StepModel,
} from '../src/index'
import { decoderShapes, loadDecoderFixture } from './decoder-contract'
import { engines, near } from './model-contract'
import { loadSequenceFixture, sequenceShapes, sequenceWriting } from './sequence-to-sequence-contract'

interface Answers {
  scores: number[]
  greedy: number[][]
  beams: number[][]
}
const { prompts, answers } = loadFixture<{
  prompts: number[][]
  answers: Record<string, Record<string, Answers>>
}>('core/adapters/switched-writers')
const length = prompts[0]!.length
const plan = { maxLength: 40, maxRows: 2, hiddenStates: false }
const writing: GenerateOptions = { maxNewTokens: 8, minNewTokens: 8, eosTokenIds: [2], padTokenId: 0 }

/** A base that writes, and it with each of its adapters. */
async function open(engine: Engine, name: string) {
  const isDecoder = name === 'gpt2' || name === 'llama'
  const fixture = isDecoder ? await loadDecoderFixture(name) : await loadSequenceFixture(name)
  const task = isDecoder ? 'causal-language-modelling' : 'sequence-to-sequence'
  const shapes = isDecoder ? decoderShapes(fixture as never, task as never) : sequenceShapes(fixture as never)
  const store = engine.createStore(shapes)
  for (const key of Object.keys(shapes)) store.write(key, fixture.weights.get(key)!.values)
  const config = fixture.config as never
  const model = isDecoder
    ? createDecoderSteps(engine, { config, store })
    : createSequenceSteps(engine, { config, store })
  const settings = isDecoder
    ? writing
    : { ...writing, ...sequenceWriting(fixture as never).settings, ...writing }
  const specs = modelFamily(fixture.config.modelType).parameterShapes(config, task)
  const adapted = async (adapter: string): Promise<StepModel> => {
    if (adapter === '') return model
    const loaded = await loadAdapter(fixturePath(`core/adapters/${adapter}`))
    const read = (key: string) => store.read(key)
    return model.adapted(await furtherParametersOf(loaded, { config: fixture.config, specs }, read))
  }
  const names = Object.keys(answers[name]!)
  const models = new Map<string, StepModel>()
  for (const adapter of names) models.set(adapter, await adapted(adapter))
  return {
    models,
    settings,
    dispose: async () => {
      await model.dispose()
      store.dispose()
    },
  }
}

async function firstScores(model: StepModel, { decoderStartTokenId = 0 }: GenerateOptions) {
  const rows = prompts.length
  const batch: PromptBatch = {
    rows,
    length,
    inputIds: Int32Array.from(prompts.flat()),
    attentionMask: new Int32Array(rows * length).fill(1),
    ...(model.isEncoderDecoder && { decoderInputIds: new Int32Array(rows).fill(decoderStartTokenId) }),
  }
  const session = await model.start(batch, plan)
  const scores = session.scores.slice(0, rows * model.vocabSize)
  await session.dispose()
  return scores
}

const write = async (model: StepModel, options: GenerateOptions, texts = prompts) =>
  (await generate(model, texts, options)).map(([best]) => best!.tokens)

describe.each(engines)('adapters beside a base that writes, on the engine %s', (_, createEngine) => {
  const engine = createEngine()

  it.each(Object.keys(answers))('%s writes as PEFT does after set_adapter, also at once', async (name) => {
    const { models, settings, dispose } = await open(engine, name)
    const check = async (adapter: string) => {
      const [model, expected] = [models.get(adapter)!, answers[name]![adapter]!]
      expect(await firstScores(model, settings)).toBeAllClose(expected.scores, near(expected.scores))
      expect(await write(model, settings)).toEqual(expected.greedy)
      expect(await write(model, { ...settings, numBeams: 3 })).toEqual(expected.beams)
    }
    for (const adapter of [...models.keys()].reverse()) await check(adapter)
    await Promise.all([...models.keys()].map(check))
    await dispose()
  })

  it('keeps keys and values, and steps of several texts, for each adapter by itself', async () => {
    const { models, settings, dispose } = await open(engine, 'llama')
    const cache = createPromptCache({ texts: 8 })
    const alone = (model: StepModel, text: number[], options: GenerateOptions = {}) =>
      write(model, { ...settings, ...options }, [text])
    const known: [string, number][] = []
    const texts = [...models].flatMap(([adapter, model]) => prompts.map((text) => ({ adapter, model, text })))
    const expected = await Promise.all(texts.map(({ model, text }) => alone(model, text)))
    for (const turn of [0, 1]) {
      const written = texts.map(({ adapter, model, text }) => {
        const onPrompt = ({ knownTokens }: { knownTokens: number }) => void known.push([adapter, knownTokens])
        return alone(model, text, { shared: true, cache, onPrompt })
      })
      expect(await Promise.all(written), `turn ${turn}`).toEqual(expected)
    }
    // In the first turn nothing is known, whatever other adapters have read; in the second all but the last token.
    expect(known.map(([, tokens]) => tokens)).toEqual([...texts.map(() => 0), ...texts.map(() => length - 1)])
    await dispose()
  })
})
