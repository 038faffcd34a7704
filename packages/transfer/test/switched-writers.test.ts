import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Adapter,
  type DecoderConfig,
  ia3,
  lora,
  promptTuning,
  readConfig,
  type SequenceToSequenceConfig,
} from '@tfx/core'
import { refusal } from '@tfx/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { loadWriter, type TransferOptions, transferWriting } from '../src/index'
import { goOnHead, idOf, pairHead, special, tokenizer, type Writer } from './writing-heads'

const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
afterAll(() => rm(folder, { recursive: true }))

const sizes = { vocab_size: tokenizer.vocabSize, ...special }
const t5 = readConfig({
  ...{ ...sizes, model_type: 't5', d_model: 32, d_kv: 8, d_ff: 64, num_layers: 2, num_heads: 4 },
  ...{ dropout_rate: 0, decoder_start_token_id: idOf('[PAD]') },
}) as SequenceToSequenceConfig
const llama = readConfig({
  ...{ ...sizes, model_type: 'llama', hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, max_position_embeddings: 32 },
}) as DecoderConfig
const words = ['good', 'bad', 'movie', 'film', 'play']
const pairs = words.flatMap((first) => words.map((second) => ({ text: `${first} ${second}`, target: first })))
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
    const base = await transferWriting(head, { base: { config, tokenizer }, dataset: pairs }, options)
    const directory = join(folder, `${kind}-base`)
    await base.save(directory, { onnx: [] })
    const directories: Record<string, string> = {}
    for (const [name, adapter] of Object.entries(adapters)) {
      const source = { base: directory, dataset: pairs.filter((_, index) => index % 2 === 0) }
      const model = await transferWriting(head, source, { ...quick, epochs: 4, learningRate: 0.1, adapter })
      directories[name] = join(folder, `${kind}-${name}`)
      await model.saveAdapter(directories[name])
      await model.dispose()
    }
    const switched = await loadWriter(head, directory, { adapters: directories })
    expect(switched.virtualTokens).toBe(3)
    const texts = pairs.slice(3, 9).map(({ text }) => [...tokenizer.encode(text).inputIds.slice(0, -1)])
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
      expect((await switched.measure(pairs, chosen)).loss).toBeCloseTo(loss, 5)
    }
    for (const answer of answers) await check(answer)
    await Promise.all(answers.toReversed().map(check))
    // The adapters have learned something, each something else.
    expect(new Set(answers.map(({ loss }) => loss.toFixed(6))).size).toBe(answers.length)

    const unknown = { adapter: 'other' }
    const refused = "'adapter' must be one of 'low', 'lengths', 'factors', 'prompt', but got 'other'."
    expect((await refusal(switched.write(texts, unknown))).message).toContain(refused)
    expect((await refusal(switched.stream(texts[0]!, unknown).next())).message).toContain(refused)
    expect((await refusal(switched.measure(pairs, unknown))).message).toContain(`evaluate: ${refused}`)
    expect((await refusal(base.write(texts, unknown))).message).toContain('loaded without adapters')
    await Promise.all([base, switched].map((each) => each.dispose()))
  }, 60_000)
})

async function expected(model: Writer, texts: number[][]) {
  const written = await model.write(texts)
  const { loss } = await model.measure(pairs, {})
  return { written: written.map(([best]) => best!.tokens), loss }
}
