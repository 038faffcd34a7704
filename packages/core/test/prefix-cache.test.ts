import '@tensorflow/tfjs-backend-cpu'
import type { Engine } from '@tfx/backend'
import { describe, expect, it } from 'vitest'
import { createDecoderSteps, generate, type GenerateOptions, streamTokens } from '../src/index'
import { decoderShapes, loadDecoderFixture } from './decoder-contract'
import { engines } from './model-contract'

const decoders = [
  ...['gpt2', 'gpt2-by-layer', 'llama', 'llama3', 'llama-linear', 'llama-yarn', 'mistral', 'qwen2', 'qwen3'],
  ...['gemma2', 'gemma3_text', 'phi3'],
]

/** An engine that says how many tokens each step of its programs read. */
function counting(engine: Engine): { engine: Engine; read: number[] } {
  const read: number[] = []
  const compile: Engine['compile'] = async (step, options) => {
    const program = await engine.compile(step, options)
    return {
      ...program,
      run(inputs, settings) {
        read.push(inputs.inputIds!.data.length)
        return program.run(inputs, settings)
      },
    }
  }
  return { engine: { ...engine, compile }, read }
}

describe.each(engines)('on the engine %s', (_, createEngine) => {
  const plain = createEngine()

  async function modelOf(name: string, prefixCache: number) {
    const fixture = await loadDecoderFixture(name)
    const shapes = decoderShapes(fixture, 'causal-language-modelling')
    const { engine, read } = counting(plain)
    const store = engine.createStore(shapes)
    for (const key of Object.keys(shapes)) store.write(key, fixture.weights.get(key)!.values)
    const model = createDecoderSteps(engine, { config: fixture.config, store, prefixCache })
    const write = async (prompt: number[], options: GenerateOptions = {}) => {
      read.length = 0
      const settings = { maxNewTokens: 6, eosTokenIds: [], padTokenId: 0, ...options }
      const [sequences] = await generate(model, [prompt], settings)
      return { tokens: sequences![0]!.tokens, read: [...read] }
    }
    return { model, write, read }
  }

  describe.each(decoders)('%s', (name) => {
    it('reads a text that begins like one before only from there on, and writes the same', async () => {
      const [remembering, forgetful] = [await modelOf(name, 1), await modelOf(name, 0)]
      const both = async (prompt: number[], options?: GenerateOptions) => {
        const [ours, theirs] = [
          await remembering.write(prompt, options),
          await forgetful.write(prompt, options),
        ]
        expect(ours.tokens).toEqual(theirs.tokens)
        expect(theirs.read[0]).toBe(prompt.length)
        return ours
      }
      const first = Array.from({ length: 11 }, (_, at) => 3 + ((at * 7) % 13))
      const { tokens, read } = await both(first)
      expect(read[0]).toBe(11)
      // The last token that was written was not read.
      const second = [...first, ...tokens, 4, 5, 6]
      expect((await both(second)).read[0]).toBe(second.length - first.length - tokens.length + 1)
      // Another way from the ninth token on; then sampled, and by beams.
      const other = [...first.slice(0, 9), 9, 8, 9]
      expect((await both(other)).read[0]).toBe(3)
      expect((await both(other, { doSample: true, seed: 3 })).read[0]).toBe(1)
      await both(other, { numBeams: 3 })
      // The same again: its last token is read.
      expect((await both(other)).read[0]).toBe(other.length)
      expect((await both(other)).read[0]).toBe(1)
      // Too little in common.
      expect((await both([...first.slice(0, 7), 9, 9, 9])).read[0]).toBe(10)
      await Promise.all([remembering.model.dispose(), forgetful.model.dispose()])
    })
  })

  it('remembers what a text that was broken off has read, and keeps texts apart that are under way', async () => {
    const [remembering, forgetful] = [await modelOf('llama', 2), await modelOf('llama', 0)]
    const prompt = Array.from({ length: 12 }, (_, at) => 3 + ((at * 5) % 13))
    const settings = { maxNewTokens: 8, eosTokenIds: [], padTokenId: 0 }
    for await (const token of streamTokens(remembering.model, prompt, settings)) {
      expect(token).toBeGreaterThanOrEqual(0)
      break
    }
    const expected = (await forgetful.write(prompt, settings)).tokens
    remembering.read.length = 0
    // Two at a time: the second does not get what the first goes on with.
    const streams = [1, 2].map(async () => {
      const tokens: number[] = []
      for await (const token of streamTokens(remembering.model, prompt, settings)) tokens.push(token)
      return tokens
    })
    expect(await Promise.all(streams)).toEqual([expected, expected])
    expect(remembering.read.slice(0, 2).sort((a, b) => a - b)).toEqual([1, 12])
    // What several rows hold is not remembered.
    await generate(remembering.model, [prompt, prompt], settings)
    remembering.read.length = 0
    expect((await remembering.write(prompt, settings)).tokens).toEqual(expected)
    expect(remembering.read[0]).toBe(1)
    await Promise.all([remembering.model.dispose(), forgetful.model.dispose()])
  })
})
