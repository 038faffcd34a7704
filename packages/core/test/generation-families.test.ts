import '@tensorflow/tfjs-backend-cpu'
import { describe, expect, it } from 'vitest'
import { createDecoderSteps, createSequenceSteps, generate, type GenerateOptions } from '../src/index'
import { decoderShapes, loadDecoderFixture, writingDecoders } from './decoder-contract'
import { engines } from './model-contract'
import { loadSequenceFixture, sequenceShapes, sequenceWriting } from './sequence-to-sequence-contract'

/** Without what transformers fills rows up with behind their end. */
const untilEnd = (row: number[]) => (row.includes(2) ? row.slice(0, row.indexOf(2) + 1) : row)

describe.each(engines)('on the engine %s', (_, createEngine) => {
  const engine = createEngine()

  describe.each(writingDecoders)('%s', (name) => {
    async function written(options: GenerateOptions, known: number[][] = [[], [], []]) {
      const fixture = await loadDecoderFixture(name)
      const shapes = decoderShapes(fixture, 'causal-language-modelling')
      const store = engine.createStore(shapes)
      for (const key of Object.keys(shapes)) store.write(key, fixture.weights.get(key)!.values)
      const model = createDecoderSteps(engine, { config: fixture.config, store })
      const prompts = fixture.outputs.generated.prompts.map((prompt, row) => [...prompt, ...known[row]!])
      const results = await generate(model, prompts, {
        maxNewTokens: 9,
        eosTokenIds: [2],
        padTokenId: 0,
        ...options,
      })
      await model.dispose()
      store.dispose()
      return { results: results.map(([first]) => first!), expected: fixture.outputs.generated }
    }

    it('writes greedily what transformers writes', async () => {
      const { results, expected } = await written({})
      expect(results.map(({ tokens }) => tokens)).toEqual(expected.greedy.map(untilEnd))
      for (const { tokens, finish } of results) expect(finish).toBe(tokens.at(-1) === 2 ? 'eos' : 'length')
    })

    it('goes on, where its cache grows, as from a new prompt', async () => {
      const options = { eosTokenIds: [] }
      const { results } = await written({ ...options, maxNewTokens: 30 })
      const start = results.map(({ tokens }) => tokens.slice(0, 25))
      const { results: rest } = await written({ ...options, maxNewTokens: 5 }, start)
      expect(rest.map(({ tokens }, row) => [...start[row]!, ...tokens])).toEqual(
        results.map(({ tokens }) => tokens),
      )
    })

    it('finds the beams that transformers finds, with their scores', async () => {
      const { results, expected } = await written({ numBeams: 3, lengthPenalty: 0.7 })
      expect(results.map(({ tokens }) => tokens)).toEqual(expected.beams.map(untilEnd))
      expect(results.map(({ score }) => score!)).toBeAllClose(expected.beamScores, {
        absolute: 1e-4,
        relative: 1e-4,
      })
    })
  })

  describe.each(['t5', 't5-gated', 'mt5', 'bart', 'marian', 'mbart', 'm2m_100', 'pegasus'])('%s', (name) => {
    async function written(options: GenerateOptions) {
      const fixture = await loadSequenceFixture(name)
      const { config, outputs, weights } = fixture
      const store = engine.createStore(sequenceShapes(fixture))
      for (const [key, { values }] of weights) store.write(key, values)
      const model = createSequenceSteps(engine, { config, store })
      const { texts, settings } = sequenceWriting(fixture)
      const results = await generate(model, texts, { ...settings, ...options })
      await model.dispose()
      store.dispose()
      const end = config.eosTokenIds[0]!
      const until = (row: number[]) => (row.includes(end) ? row.slice(0, row.indexOf(end) + 1) : row)
      return { results: results.map(([first]) => first!), expected: outputs, until }
    }

    it('writes greedily what transformers writes', async () => {
      const { results, expected, until } = await written({})
      expect(results.map(({ tokens }) => tokens)).toEqual(expected.greedy.map(until))
    })

    it('finds the beams that transformers finds, with their scores', async () => {
      const { results, expected, until } = await written({ numBeams: 3, lengthPenalty: 0.7 })
      expect(results.map(({ tokens }) => tokens)).toEqual(expected.beams.map(until))
      expect(results.map(({ score }) => score!)).toBeAllClose(expected.beamScores, {
        absolute: 1e-4,
        relative: 1e-4,
      })
    })
  })
})
