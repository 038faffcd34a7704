import '@tensorflow/tfjs-backend-cpu'
import { describe, expect, it } from 'vitest'
import {
  createDecoderSteps,
  createPromptCache,
  generate,
  type GenerateOptions,
  type PromptCache,
  type ReadPrompt,
  type StepModel,
  streamTokens,
} from '../src/index'
import { decoderShapes, loadDecoderFixture, writingDecoders } from './decoder-contract'
import { engines } from './model-contract'
import { generationCases, tableModel } from './table-model'

/** Continues a prompt; `read` is how many of its tokens the model computed. */
async function write(
  model: StepModel,
  { prompt, cache, ...options }: GenerateOptions & { prompt: readonly number[] },
) {
  const reads: ReadPrompt[] = []
  const settings = { maxNewTokens: 9, eosTokenIds: [], onPrompt: (read: ReadPrompt) => void reads.push(read) }
  const [sequences] = await generate(model, [prompt], { ...settings, ...options, cache })
  expect(reads).toHaveLength(1)
  const { tokens, knownTokens } = reads[0]!
  expect(tokens).toBe(prompt.length)
  return { tokens: sequences![0]!.tokens, knownTokens, read: tokens - knownTokens }
}

describe.each(engines)('on the engine %s', (_, createEngine) => {
  const engine = createEngine()

  async function withModel(name: string, use: (model: StepModel, prompt: number[]) => Promise<void>) {
    const fixture = await loadDecoderFixture(name)
    const shapes = decoderShapes(fixture, 'causal-language-modelling')
    const store = engine.createStore(shapes)
    for (const key of Object.keys(shapes)) store.write(key, fixture.weights.get(key)!.values)
    const model = createDecoderSteps(engine, { config: fixture.config, store })
    const [longest] = fixture.outputs.generated.prompts.toSorted((a, b) => b.length - a.length)
    try {
      await use(model, longest!)
    } finally {
      await model.dispose()
      store.dispose()
    }
  }

  describe.each(writingDecoders)('%s', (name) => {
    it.each([
      ['greedily', {}],
      ['by drawing', { doSample: true, seed: 5, temperature: 1.5 }],
    ])('goes on %s as without a cache, turn by turn', async (_, options) => {
      await withModel(name, async (model, first) => {
        const cache = createPromptCache()
        let prompt = first
        const reads: number[] = []
        for (let turn = 0; turn < 3; turn++) {
          const kept = await write(model, { prompt, cache, ...options })
          const anew = await write(model, { prompt, ...options })
          expect(kept.tokens).toEqual(anew.tokens)
          expect(anew.knownTokens).toBe(0)
          expect(cache).toMatchObject({ texts: 1, tokens: prompt.length + 8 })
          reads.push(kept.read)
          // The last token of a reply was written, not read: it and the next question are.
          prompt = [...prompt, ...kept.tokens, 7 + turn, 3]
        }
        // LongRoPE's keys and values of short texts are not those of long ones.
        if (name.startsWith('phi3')) expect(reads[0]).toBe(first.length)
        else expect(reads).toEqual([first.length, 3, 3])
      })
    })

    it('reads the last token alone when a reply is to be written again, and what differs from another text', async () => {
      await withModel(name, async (model, first) => {
        const cache = createPromptCache()
        const prompt = [...first, 9, 4, 11, 5]
        const once = await write(model, { prompt, cache, maxNewTokens: 2 })
        const again = await write(model, { prompt, cache, maxNewTokens: 2 })
        expect(again).toMatchObject({ tokens: once.tokens, read: 1 })
        const other = [...prompt.slice(0, -2), 6, 8, 10]
        const changed = await write(model, { prompt: other, cache, maxNewTokens: 2 })
        expect(changed.tokens).toEqual((await write(model, { prompt: other, maxNewTokens: 2 })).tokens)
        if (!name.startsWith('phi3')) expect(changed.read).toBe(3)
      })
    })
  })

  it('stays of use when a reply is broken off', async () => {
    await withModel('gemma3_text', async (model, prompt) => {
      const cache = createPromptCache()
      const tokens: number[] = []
      for await (const token of streamTokens(model, prompt, { cache, maxNewTokens: 9, eosTokenIds: [] })) {
        if (tokens.push(token) === 3) break
      }
      expect(cache.tokens).toBe(prompt.length + 2)
      const controller = new AbortController()
      const options = { maxNewTokens: 20, eosTokenIds: [], cache, signal: controller.signal }
      const aborted = generate(model, [[...prompt, ...tokens]], {
        ...options,
        onToken: () => controller.abort(),
      })
      await expect(aborted).rejects.toThrow('stopped by its AbortSignal')
      expect(cache.tokens).toBe(prompt.length + 3)
      const next = [...prompt, ...tokens, 4, 4]
      const kept = await write(model, { prompt: next, cache })
      expect(kept).toMatchObject({ read: 2, tokens: (await write(model, { prompt: next })).tokens })
    })
  })

  it('keeps the texts used last, also of several that begin alike or are written at a time', async () => {
    await withModel('mistral', async (model, prompt) => {
      const system = prompt.slice(0, 4)
      const cache = createPromptCache({ texts: 2 })
      const long = (token: number) => [...system, ...Array.from({ length: 12 }, (_, index) => token + index)]
      const short = (options: Parameters<typeof write>[1]) => write(model, { ...options, maxNewTokens: 3 })
      const [a, b, c] = [long(3), long(30), long(40)]
      const first = await Promise.all([a, b].map((prompt) => short({ prompt, cache })))
      expect(cache.texts).toBe(2)
      const turn = (prompt: number[], reply: { tokens: number[] }) => [...prompt, ...reply.tokens, 5]
      const next = [turn(a, first[0]!), turn(b, first[1]!)] as const
      const both = await Promise.all(next.map((prompt) => short({ prompt, cache })))
      for (const [index, { tokens, read }] of both.entries()) {
        expect(read).toBe(2)
        expect(tokens).toEqual((await short({ prompt: next[index]! })).tokens)
      }
      // A third begins as they do: it has a copy of that, and the one used least lately goes.
      const third = await short({ prompt: c, cache })
      expect(third).toMatchObject({ knownTokens: system.length, tokens: (await short({ prompt: c })).tokens })
      expect((await short({ prompt: turn(next[1], both[1]!), cache })).read).toBe(2)
      expect((await short({ prompt: turn(next[0], both[0]!), cache })).knownTokens).toBe(system.length)
      expect(cache.texts).toBe(2)
    })
  })

  it('forgets what is being written, too, and serves no other model', async () => {
    await withModel('gpt2', async (model, prompt) => {
      const cache = createPromptCache()
      await write(model, { prompt, cache })
      await withModel('gpt2', async (other) => {
        expect((await write(other, { prompt, cache })).knownTokens).toBe(0)
      })
      const stream = streamTokens(model, prompt, { cache, maxNewTokens: 9, eosTokenIds: [] })
      await stream.next()
      cache.clear()
      await stream.return()
      expect(cache).toMatchObject({ texts: 0, tokens: 0 })
    })
  })
})

describe('a cache of prompts', () => {
  it.each([
    [{ numBeams: 2 }, [[5]], 'another method'],
    [{ doSample: true, numReturnSequences: 2 }, [[5]], 'another method'],
    [{}, [[5], [6]], '2 prompts'],
  ])('is refused with %j and %j', async (options, prompts, received) => {
    const cache: PromptCache = createPromptCache()
    const writing = generate(tableModel(generationCases), prompts, { ...options, cache })
    await expect(writing).rejects.toThrow(`generate: 'cache' must be used with one prompt of a decoder`)
    await expect(writing).rejects.toThrow(`but got ${received}`)
  })

  it.each([0, 1.5, NaN])('cannot keep %d texts', (texts) => {
    expect(() => createPromptCache({ texts })).toThrow("'texts' must be a whole number of at least 1")
  })

  it('is left alone by a model that has no use for it', async () => {
    const cache = createPromptCache()
    const options = { cache, maxNewTokens: 3 }
    expect(await write(tableModel(generationCases), { prompt: [5, 7], ...options })).toMatchObject({
      read: 2,
    })
    expect(cache.texts).toBe(0)
  })
})
