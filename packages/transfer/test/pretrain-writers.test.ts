import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTokenizer, type ModelConfig, readConfig } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { learnedSoFar, pretrain, type PretrainedModel, type PretrainOptions } from '../src/index'
import { writtenBy } from './written-by'

const text = 'the quick brown fox jumps over the lazy dog and runs into the dark wood'
const shared = {
  texts: Array.from({ length: 60 }, () => text),
  heldOut: Array.from({ length: 8 }, () => text),
  steps: 80,
  batchSize: 8,
  maxLength: 16,
  learningRate: 1e-2,
  onEvent: () => undefined,
}
const decoder: PretrainOptions = {
  ...shared,
  tokenizer: await loadTokenizer(fixturePath('../packages/base-decoder')),
  config: readConfig({
    model_type: 'llama',
    vocab_size: 8192,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: 1,
    pad_token_id: 0,
  }),
}
const sequence: PretrainOptions = {
  ...shared,
  tokenizer: await loadTokenizer(fixturePath('../packages/base-seq2seq')),
  config: readConfig({
    model_type: 't5',
    vocab_size: 8192,
    d_model: 32,
    d_kv: 16,
    d_ff: 48,
    num_layers: 1,
    num_heads: 2,
    dropout_rate: 0,
  }),
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Checks what holds for every kind, saves the model, and returns where. */
async function learned(model: PretrainedModel, name: string): Promise<string> {
  const { history, evaluations } = model.result!
  // Chance over a vocabulary is ln(size).
  expect(history[0]!.loss).toBeGreaterThan(0.8 * Math.log(8192))
  expect(history[0]!.loss).toBeLessThan(1.5 * Math.log(8192))
  expect(history.at(-1)!.loss).toBeLessThan(0.3 * history[0]!.loss)
  expect(model.perplexity).toBe(Math.exp(evaluations.at(-1)!.metrics.loss!))
  expect(model.perplexity).toBeLessThan(10)
  const directory = join(folder, name)
  await model.save(directory, { dtype: 'float16' })
  model.dispose()
  return directory
}

describe('pretrain of a decoder', () => {
  it('learns to tell the next token, and saves a model that goes on with the text', async () => {
    const directory = await learned(await pretrain(decoder), 'decoder')
    const { inputIds } = decoder.tokenizer.encode(text)
    const [written] = await writtenBy(directory, [inputIds.slice(0, 5)], 6)
    expect(written).toEqual(inputIds.slice(5, 11))
  })

  it('joins the texts in another order in every epoch, as its seed says', async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `${index} ${text}`)
    const losses = async (options: Partial<PretrainOptions>) => {
      const model = await pretrain({ ...decoder, texts, steps: 4, batchSize: 2, ...options })
      model.dispose()
      return model.result!.history.map(({ loss }) => loss)
    }
    const first = await losses({ seed: 5 })
    expect(await losses({ seed: 5 })).toEqual(first)
    expect(await losses({ seed: 6 })).not.toEqual(first)
  })

  it('keeps what was learned when it is aborted', async () => {
    const controller = new AbortController()
    const onEvent: PretrainOptions['onEvent'] = (event) => {
      if (event.type === 'step' && event.step === 2) controller.abort()
    }
    const error: unknown = await pretrain({ ...decoder, signal: controller.signal, onEvent }).catch(
      (error: unknown) => error,
    )
    const model = learnedSoFar<PretrainedModel>(error)!
    expect(model.perplexity).toBeNaN()
    await model.save(join(folder, 'aborted'))
    expect((await writtenBy(join(folder, 'aborted'), [[40, 50]], 2))[0]).toHaveLength(2)
    model.dispose()
  })
})

describe('pretrain of an encoder-decoder', () => {
  it('learns to write what is missing, and a task beside it', async () => {
    const pairs = Array.from({ length: 60 }, () => ({ input: 'translate: dog', target: 'Hund' }))
    const directory = await learned(
      await pretrain({ ...sequence, pairs, steps: 120, learningRate: 2e-2 }),
      'sequence',
    )
    const { tokenizer } = sequence
    const [written] = await writtenBy(directory, [tokenizer.encode('translate: dog').inputIds], 8)
    expect(tokenizer.decode(written!)).toBe('Hund')
  })
})

describe('pretrain refuses', () => {
  const { config } = sequence
  const withoutEnd = { ...decoder.config, eosTokenIds: [] } as ModelConfig
  it.each<[string, PretrainOptions, string]>([
    [
      'a teacher of a decoder',
      { ...decoder, distillation: { size: 2, embeddings: new Float32Array(3) } },
      "'distillation' must be absent for models that are no encoder, but got given.",
    ],
    [
      'a mask rate of a decoder',
      { ...decoder, maskRate: 0.2 },
      "'maskRate' must be absent for models that are no encoder or encoder-decoder",
    ],
    [
      'pairs of a decoder',
      { ...decoder, pairs: [] },
      "'pairs' must be absent for models that are no encoder-decoder",
    ],
    [
      'spans of no token',
      { ...sequence, meanSpanLength: 0.5 },
      "'meanSpanLength' must be a number of at least 1, but got 0.5.",
    ],
    [
      'a tokenizer without sentinels',
      { ...sequence, tokenizer: decoder.tokenizer },
      "'tokenizer' must be one with the tokens <extra_id_0> to <extra_id_0>, for the spans that are hidden, but got one without.",
    ],
    [
      'no end of texts',
      { ...decoder, config: withoutEnd },
      "'config' must be one whose 'eos_token_id' ends a text, but got one without.",
    ],
    [
      'blank texts',
      { ...decoder, texts: [' '] },
      "'texts' must be texts with words in them, but got only blank ones.",
    ],
    [
      'blank texts to measure on',
      { ...sequence, config, heldOut: [''] },
      "'heldOut' must be texts with words in them",
    ],
  ])('%s', async (_, options, message) => {
    await expect(pretrain(options)).rejects.toThrow(`pretrain: ${message}`)
  })
})
