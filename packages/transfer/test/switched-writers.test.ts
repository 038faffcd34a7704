import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Adapter, ia3, lora, promptTuning } from '@tfx/core'
import { refusal } from '@tfx/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { loadWriter, type TransferOptions, transferWriting } from '../src/index'
import { goOnHead, pairHead, tokenizer, type Writer, llama, t5, wordPairs } from './writing-heads'

const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
afterAll(() => rm(folder, { recursive: true }))

const quick = { batchSize: 5, seed: 1, progress: false, validation: false } satisfies TransferOptions
const adapters: Record<string, Adapter> = {
  low: lora({ rank: 2 }),
  lengths: lora({ rank: 2, decomposed: true }),
  factors: ia3(),
  prompt: promptTuning({ virtualTokens: 3 }),
}

describe.each([
  { kind: 'encoder-decoder', head: pairHead, config: t5 },
  {
    kind: 'decoder',
    head: goOnHead as unknown as typeof pairHead,
    config: llama as unknown as typeof t5,
  },
] as const)('adapters of a model that writes, $kind', ({ kind, head, config }) => {
  it('are switched between, each as if it was merged', async () => {
    const options = { ...quick, epochs: 10, learningRate: 5e-3 }
    const base = await transferWriting(head, { base: { config, tokenizer }, dataset: wordPairs }, options)
    const directory = join(folder, `${kind}-base`)
    await base.save(directory, { onnx: [] })
    const directories: Record<string, string> = {}
    for (const [name, adapter] of Object.entries(adapters)) {
      const source = { base: directory, dataset: wordPairs.filter((_, index) => index % 2 === 0) }
      const model = await transferWriting(head, source, { ...quick, epochs: 4, learningRate: 0.1, adapter })
      directories[name] = join(folder, `${kind}-${name}`)
      await model.saveAdapter(directories[name])
      await model.dispose()
    }
    const switched = await loadWriter(head, directory, { adapters: directories })
    expect(switched.virtualTokens).toBe(3)
    const texts = wordPairs.slice(3, 9).map(({ text }) => [...tokenizer.encode(text).inputIds.slice(0, -1)])
    const alone = { ...(await expected(base, texts)), name: undefined as string | undefined }
    const answers = [alone]
    for (const [name, adapter] of Object.entries(directories)) {
      const merged = await loadWriter(head, directory, { adapter })
      answers.push({ ...(await expected(merged, texts)), name })
      await merged.dispose()
    }
    const check = async ({ name, written, loss }: (typeof answers)[number]) => {
      const chosen = name === undefined ? {} : { adapter: name }
      expect((await switched.write(texts, chosen)).map(([best]) => best!.tokens)).toEqual(written)
      const streamed: number[] = []
      for await (const token of switched.stream(texts[0]!, { ...chosen, shared: kind === 'decoder' }))
        streamed.push(token)
      expect(streamed).toEqual(written[0])
      expect((await switched.measure(wordPairs, chosen)).loss).toBeCloseTo(loss, 5)
    }
    for (const answer of answers) await check(answer)
    await Promise.all(answers.toReversed().map(check))
    // The adapters have learned something, each something else.
    expect(new Set(answers.map(({ loss }) => loss.toFixed(6))).size).toBe(answers.length)

    const unknown = { adapter: 'other' }
    const refused = "'adapter' must be one of 'low', 'lengths', 'factors', 'prompt', but got 'other'."
    expect((await refusal(switched.write(texts, unknown))).message).toContain(refused)
    expect((await refusal(switched.stream(texts[0]!, unknown).next())).message).toContain(refused)
    expect((await refusal(switched.measure(wordPairs, unknown))).message).toContain(`evaluate: ${refused}`)
    expect((await refusal(base.write(texts, unknown))).message).toContain('loaded without adapters')
    await Promise.all([base, switched].map((each) => each.dispose()))
  }, 60_000)
})

async function expected(model: Writer, texts: number[][]) {
  const written = await model.write(texts)
  const { loss } = await model.measure(wordPairs, {})
  return { written: written.map(([best]) => best!.tokens), loss }
}
