import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getEngine } from '@tfx/backend'
import {
  loadAdapter,
  openSafetensors,
  promptTuning,
  readConfig,
  type SequenceToSequenceConfig,
} from '@tfx/core'
import { fixturePath, loadFixture, refusal } from '@tfx/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { trainedPart } from '../src/adapted'
import { loadWriter, type TransferOptions, transferWriting } from '../src/index'
import { createStore } from '../src/runtime'
import { writingInputs, writingLoss } from '../src/writing/loss'
import { goOnHead, pairHead, tokenizer, llama, t5, wordPairs } from './writing-heads'

const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
afterAll(() => rm(folder, { recursive: true }))

/** What the base learns, in which the prompt has to find its own. */
const otherPairs = wordPairs.map(({ text }) => ({ text, target: text.split(' ')[1]! }))
const adapter = promptTuning({ virtualTokens: 4, text: 'good or bad' })
const quick = { batchSize: 5, seed: 1, progress: false, validation: false } satisfies TransferOptions

describe.each([
  { kind: 'encoder-decoder', head: pairHead, config: t5, taskType: 'SEQ_2_SEQ_LM' },
  {
    kind: 'decoder',
    head: goOnHead as unknown as typeof pairHead,
    config: llama as unknown as typeof t5,
    taskType: 'CAUSAL_LM',
  },
] as const)('a prompt of a model that writes, $kind', ({ kind, head, config, taskType }) => {
  it('learns alone, is saved as PEFT does, and loaded on the base again', async () => {
    const base = await transferWriting(
      head,
      { base: { config, tokenizer }, dataset: otherPairs },
      { ...quick, epochs: 40, learningRate: 5e-3 },
    )
    const directory = join(folder, `${kind}-base`)
    await base.save(directory, { onnx: [] })
    const source = { base: directory, dataset: wordPairs }
    const model = await transferWriting(head, source, { ...quick, epochs: 20, learningRate: 0.3, adapter })
    const losses = model.training!.history.map(({ loss }) => loss)
    const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss / part.length, 0)
    expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)) - 0.005)
    expect(model.virtualTokens).toBe(4)
    expect(model.maxLength).toBe(base.maxLength - 4)

    const prompt = join(folder, `${kind}-prompt`)
    await model.saveAdapter(prompt)
    expect(JSON.parse(await readFile(join(prompt, 'adapter_config.json'), 'utf8'))).toMatchObject({
      ...{ peft_type: 'PROMPT_TUNING', task_type: taskType, num_virtual_tokens: 4, token_dim: 32 },
    })
    expect([...(await loadAdapter(prompt)).tensors.keys()]).toEqual(['prompt_embeddings'])
    const loaded = await loadWriter(head, directory, { adapter: prompt })
    const texts = wordPairs.slice(3, 9).map(({ text }) => [...tokenizer.encode(text).inputIds.slice(0, -1)])
    const written = await model.write(texts)
    expect(await loaded.write(texts)).toEqual(written)
    const streamed: number[] = []
    for await (const token of loaded.stream(texts[0]!)) streamed.push(token)
    expect(streamed).toEqual(written[0]![0]!.tokens)
    const { loss } = await model.measure(wordPairs, {})
    expect((await loaded.measure(wordPairs, {})).loss).toBeCloseTo(loss, 6)

    expect((await refusal(model.save(join(folder, 'whole')))).message).toContain(
      'but got one that reads a learned prompt, which is no part of them. Save the prompt by model.saveAdapter(directory)',
    )
    const again = transferWriting(head, { base: model, dataset: wordPairs }, quick)
    expect((await refusal(again)).message).toContain('but got one that reads a learned prompt')
    await Promise.all([base, model, loaded].map((each) => each.dispose()))
  }, 60_000)

  it('weighs batches by what is to be written, also behind a prompt: 4 × 1 learns as 2 × 2', async () => {
    const uneven = wordPairs.map((pair, index) => ({
      ...pair,
      target: Array(1 + (index % 4))
        .fill(pair.target)
        .join(' '),
    }))
    const learn = async (options: TransferOptions) => {
      const source = { base: { config, tokenizer }, dataset: uneven as never }
      const model = await transferWriting(head, source, {
        ...{ ...quick, maxSteps: 3, batching: 'random', learningRate: 0.05, adapter },
        ...options,
      })
      const losses = model.training!.history.map(({ loss }) => loss)
      await model.dispose()
      return losses
    }
    const parts = await learn({ batchSize: 2, gradientAccumulationSteps: 2 })
    expect(parts).toBeAllClose(await learn({ batchSize: 4 }), { absolute: 1e-5 })
  }, 60_000)
})

interface Learned {
  prompt: number[]
  loss: number
  gradient: number[]
}
const reference = loadFixture<Record<'decoders' | 'encoderDecoders', Record<string, Learned>>>(
  'core/adapters/writing-prompts',
)

describe('writingLoss behind a prompt', () => {
  it.each(['decoders/gpt2', 'decoders/llama', 'sequence-to-sequence/t5', 'sequence-to-sequence/bart'])(
    'is what PEFT computes, with its gradient: %s',
    async (path) => {
      const [kind, name] = path.split('/') as [string, string]
      const isDecoder = kind === 'decoders'
      const expected = reference[isDecoder ? 'decoders' : 'encoderDecoders'][name]!
      const directory = fixturePath(`core/${path}`)
      const config = readConfig(JSON.parse(await readFile(`${directory}/config.json`, 'utf8')))
      const weights = await openSafetensors(`${directory}/model.safetensors`)
      const task = isDecoder ? 'causal-language-modelling' : 'sequence-to-sequence'
      const part = trainedPart({ adapter: promptTuning({ virtualTokens: 3 }) }, { config, task })
      expect(part.trained).toEqual(['prompt_embeddings'])
      const engine = await getEngine()
      const store = createStore(engine, part, ['gradient'])
      for (const key of Object.keys(part.specs)) store.write(key, await weights.read(key))
      store.write('prompt_embeddings', Float32Array.from(expected.prompt))
      await weights.close()
      const outputs = loadFixture<Record<'inputIds' | 'attentionMask' | 'labels', number[][]>>(
        `core/${path}/outputs`,
      )
      const run = { config: config as SequenceToSequenceConfig, training: false, labelSmoothing: 0 }
      const program = await engine.compile(
        ({ inputs, parameters }) => ({ loss: writingLoss(parameters, inputs, run) }),
        {
          inputs: writingInputs(run.config),
          parameters: store,
          gradients: { of: 'loss', withRespectTo: part.trained },
        },
      )
      const tensor = (rows: number[][], value?: number) => {
        const wide = rows.map((row) => (value === undefined ? row : [value, value, value, ...row]))
        return {
          dtype: 'int32' as const,
          shape: [wide.length, wide[0]!.length],
          data: Int32Array.from(wide.flat()),
        }
      }
      const own = outputs.inputIds.map((row, index) =>
        row.map((id, place) => (outputs.attentionMask[index]![place] === 1 ? id : -100)),
      )
      const { loss } = await program.run({
        inputIds: tensor(outputs.inputIds, 4),
        attentionMask: tensor(outputs.attentionMask, 1),
        labels: isDecoder ? tensor(own, -100) : tensor(outputs.labels),
      })
      expect(loss!.data[0]).toBeCloseTo(expected.loss, 5)
      const gradient = await store.read('prompt_embeddings', 'gradient')
      expect(gradient).toBeAllClose(expected.gradient, { absolute: 1e-5 })
      await program.dispose()
      store.dispose()
    },
  )

  it.each(['marian', 'pegasus'])(
    'is refused where PEFT would give the model other words: %s',
    async (name) => {
      const json: unknown = JSON.parse(
        await readFile(fixturePath(`core/sequence-to-sequence/${name}/config.json`), 'utf8'),
      )
      const prompt = (config: object) => () =>
        trainedPart({ adapter: 'prompt' }, { config: readConfig(config), task: 'sequence-to-sequence' })
      expect(prompt({ ...(json as object), scale_embedding: true })).toThrow(
        `promptTuning: 'adapter' must be of a model whose words stay what they are behind a prompt of PEFT, but got one of type '${name}'`,
      )
      expect(prompt({ ...(json as object), scale_embedding: false })).not.toThrow()
    },
  )
})
