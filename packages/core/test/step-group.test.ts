import '@tensorflow/tfjs-backend-cpu'
import { setTimeout } from 'node:timers/promises'
import type { Engine } from '@tfx/backend'
import { describe, expect, it } from 'vitest'
import {
  createDecoderSteps,
  createPromptCache,
  generate,
  type GenerateOptions,
  type StepModel,
  streamTokens,
} from '../src/index'
import { decoderShapes, loadDecoderFixture, writingDecoders } from './decoder-contract'
import { engines } from './model-contract'
import { generationCases, tableModel } from './table-model'

/** An engine that notes how many rows each run has. */
function counting(engine: Engine): { engine: Engine; rows: number[] } {
  const rows: number[] = []
  const compile: Engine['compile'] = async (...given) => {
    const program = await engine.compile(...given)
    const run: typeof program.run = (inputs, ...others) => {
      rows.push((inputs.inputIds as { shape: readonly number[] }).shape[0]!)
      return program.run(inputs, ...others)
    }
    return { ...program, run }
  }
  return { engine: { ...engine, compile }, rows }
}

const prompts = [[5, 8, 13, 4, 9, 3, 7], [6, 3], [11], [9, 9, 4, 12, 5], [5, 8, 13, 4]]

/** Texts that are written in different ways. */
const ways: GenerateOptions[] = [
  { maxNewTokens: 12 },
  { maxNewTokens: 20, doSample: true, temperature: 1.3, seed: 1 },
  { maxNewTokens: 5, repetitionPenalty: 1.5 },
  { maxNewTokens: 16, doSample: true, topK: 5, seed: 2 },
  { maxNewTokens: 9 },
]

/** One of the texts, token by token, beside whatever else the model writes. */
const sharedStream = (model: StepModel, index: number) =>
  streamTokens(model, prompts[index]!, { eosTokenIds: [], ...ways[index], shared: true })

describe.each(engines)('on the engine %s', (_, createEngine) => {
  const own = createEngine()

  async function withModel(name: string, use: (model: StepModel, rows: number[]) => Promise<void>) {
    const fixture = await loadDecoderFixture(name)
    const shapes = decoderShapes(fixture, 'causal-language-modelling')
    const { engine, rows } = counting(own)
    const store = engine.createStore(shapes)
    for (const key of Object.keys(shapes)) store.write(key, fixture.weights.get(key)!.values)
    const model = createDecoderSteps(engine, { config: fixture.config, store })
    try {
      await use(model, rows)
    } finally {
      await model.dispose()
      store.dispose()
    }
  }

  const write = async (model: StepModel, index: number, options: GenerateOptions = {}) => {
    const [sequences] = await generate(model, [prompts[index]!], {
      eosTokenIds: [],
      ...ways[index],
      ...options,
    })
    return sequences![0]!.tokens
  }

  it.each(writingDecoders)('%s writes texts at the same time as it writes each alone', async (name) => {
    await withModel(name, async (model, rows) => {
      const expected: number[][] = []
      for (const index of prompts.keys()) expected.push(await write(model, index))
      const steps = rows.splice(0).length
      // The last two come when the others are under way.
      let come: (() => void) | undefined
      const later = new Promise<void>((resolve) => (come = resolve))
      const texts = prompts.map(async (_, index) => {
        if (index > 2) await later
        let count = 0
        const onToken = () => void (index === 0 && ++count === 4 && come!())
        return write(model, index, { shared: true, onToken })
      })
      expect(await Promise.all(texts)).toEqual(expected)
      // LongRoPE's angles depend on the longest row: its texts are written by turns.
      if (name === 'phi3-short' || name === 'phi3-long') return expect(Math.max(...rows)).toBe(1)
      expect(Math.max(...rows)).toBeGreaterThanOrEqual(3)
      expect(rows.length).toBeLessThan(steps * 0.7)
      // Every token was computed once, for one text.
      expect(rows.reduce((sum, count) => sum + count, 0)).toBe(steps)
    })
  })

  it('lets nobody wait for who is slow, broken off or gone', async () => {
    await withModel('gemma3_text', async (model, rows) => {
      const expected: number[][] = []
      for (const index of prompts.keys()) expected.push(await write(model, index))
      rows.splice(0)
      const ended: string[] = []
      const slow = (async () => {
        const tokens: number[] = []
        for await (const token of sharedStream(model, 0)) {
          tokens.push(token)
          await setTimeout(60)
        }
        ended.push('slow')
        return tokens
      })()
      const gone = (async () => {
        const tokens: number[] = []
        for await (const token of sharedStream(model, 1)) {
          if (tokens.push(token) === 3) break
        }
        return tokens
      })()
      const controller = new AbortController()
      const aborted = write(model, 4, {
        shared: true,
        signal: controller.signal,
        onToken: () => controller.abort(),
      })
      const quick = [2, 3].map(async (index) => {
        const tokens = await write(model, index, { shared: true })
        ended.push('quick')
        return tokens
      })
      await expect(aborted).rejects.toThrow('stopped by its AbortSignal')
      expect(await gone).toEqual(expected[1]!.slice(0, 3))
      expect(await Promise.all(quick)).toEqual(expected.slice(2, 4))
      expect(await slow).toEqual(expected[0])
      expect(ended).toEqual(['quick', 'quick', 'slow'])
    })
  })

  it('hands the keys and values of each text to a cache', async () => {
    await withModel('mistral', async (model) => {
      const cache = createPromptCache({ texts: 5 })
      const options = { shared: true, cache, maxNewTokens: 8 }
      const texts = await Promise.all(prompts.map((_, index) => write(model, index, options)))
      expect(cache.texts).toBeGreaterThanOrEqual(4)
      const known: number[] = []
      const next = prompts.map((prompt, index) => [...prompt, ...texts[index]!, 4, 6])
      const continued = async (prompt: number[], more: GenerateOptions) => {
        const [sequences] = await generate(model, [prompt], { maxNewTokens: 6, eosTokenIds: [], ...more })
        return sequences![0]!.tokens
      }
      const onPrompt = ({ knownTokens }: { knownTokens: number }) => void known.push(knownTokens)
      const kept = await Promise.all(
        next.map((prompt) => continued(prompt, { shared: true, cache, onPrompt })),
      )
      for (const [index, prompt] of next.entries()) expect(kept[index]).toEqual(await continued(prompt, {}))
      expect(known.toSorted((a, b) => a - b)).toEqual(
        prompts.map(({ length }) => length + 7).toSorted((a, b) => a - b),
      )
    })
  })
})

it('is refused with several sequences', async () => {
  const writing = generate(tableModel(generationCases), [[5]], { numBeams: 2, shared: true })
  await expect(writing).rejects.toThrow("'shared' must be used with one prompt of a decoder")
})
