import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTokenizer, openSafetensors, readConfig } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createEmbedder,
  learnedSoFar,
  pretrain,
  type PretrainedModel,
  type PretrainOptions,
} from '../src/index'

const tokenizer = await loadTokenizer(fixturePath('core/bert-classification'))
const config = readConfig(
  {
    model_type: 'bert',
    vocab_size: tokenizer.vocabSize,
    hidden_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 48,
    max_position_embeddings: 32,
  },
  { kind: 'encoder' },
)
const subjects = ['the movie', 'this film', 'the play', 'it']
const verdicts = ['was good', 'was bad', 'is not great', 'is awful']
const texts = subjects.flatMap((subject) => verdicts.map((verdict) => `${subject} ${verdict} .`))
const options: PretrainOptions = {
  config,
  tokenizer,
  texts: Array.from({ length: 4 }, () => texts).flat(),
  heldOut: texts,
  steps: 60,
  batchSize: 16,
  learningRate: 1e-2,
  onEvent: () => undefined,
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('pretrain', () => {
  it('learns to tell hidden words: from chance to far better', async () => {
    const model = await pretrain({ ...options, evaluateEvery: 30 })
    const { history, evaluations } = model.result!
    // Chance over a vocabulary is ln(size).
    expect(history[0]!.loss).toBeGreaterThan(0.8 * Math.log(config.vocabSize))
    expect(history[0]!.loss).toBeLessThan(1.3 * Math.log(config.vocabSize))
    expect(history.at(-1)!.loss).toBeLessThan(0.6 * history[0]!.loss)
    expect(evaluations.map(({ step }) => step)).toEqual([30, 60])
    expect(model.perplexity).toBe(evaluations[1]!.metrics.perplexity)
    expect(model.perplexity).toBeCloseTo(Math.exp(evaluations[1]!.metrics.loss!), 6)
    expect(model.perplexity).toBeGreaterThan(1)
    expect(model.perplexity).toBeLessThan(config.vocabSize / 4)
    model.dispose()
  })

  it('is decided by its seed', async () => {
    const run = async (seed: number) => {
      const model = await pretrain({ ...options, steps: 4, seed })
      model.dispose()
      return { losses: model.result!.history.map(({ loss }) => loss), perplexity: model.perplexity }
    }
    const first = await run(5)
    expect(await run(5)).toEqual(first)
    expect((await run(6)).losses).not.toEqual(first.losses)
  })

  it('saves a base that an embedder opens', async () => {
    const model = await pretrain({ ...options, steps: 5 })
    await model.save(join(folder, 'base'))
    await model.save(join(folder, 'half'), { dtype: 'float16' })
    const embedder = await createEmbedder(join(folder, 'base'))
    const half = await createEmbedder(join(folder, 'half'))
    const vectors = await embedder.embed(texts, { batchSize: 3 })
    expect(embedder.size).toBe(32)
    expect(vectors).toHaveLength(texts.length * 32)
    for (let row = 0; row < texts.length; row++) {
      const vector = vectors.subarray(row * 32, (row + 1) * 32)
      expect(vector.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(1, 5)
      // In the order of the texts, whatever the batches.
      expect(await embedder.embed([texts[row]!])).toBeAllClose(vector, { absolute: 1e-5 })
    }
    expect(await half.embed(texts)).toBeAllClose(vectors, { absolute: 2e-2 })
    expect(await embedder.embed([])).toHaveLength(0)
    await expect(embedder.embed(['good'], { maxLength: 33 })).rejects.toThrow(
      "embed: 'maxLength' must be an integer from 2 to the 32 tokens that the model takes, but got 33.",
    )
    await expect(embedder.embed(['good'], { signal: AbortSignal.abort() })).rejects.toThrow(
      'embed: is stopped by its AbortSignal.',
    )
    await Promise.all([embedder.dispose(), half.dispose()])
    model.dispose()
  })

  it('imitates a teacher', async () => {
    // A teacher that tells subjects apart, and nothing else.
    const size = 4
    const embeddings = new Float32Array(options.texts.length * size)
    options.texts.forEach((text, row) => {
      embeddings[row * size + subjects.findIndex((subject) => text.startsWith(subject))] = 1
    })
    const distillation = { size, embeddings, weight: 1, maskedWeight: 0 }
    const model = await pretrain({ ...options, steps: 80, distillation })
    const losses = model.result!.history.map(({ loss }) => loss)
    // 1 - cosine: about 1 at random.
    expect(losses[0]).toBeGreaterThan(0.5)
    expect(losses[0]).toBeLessThan(1.6)
    expect(losses.at(-1)).toBeLessThan(0.25)
    await model.save(join(folder, 'distilled'))
    const file = await openSafetensors(join(folder, 'distilled', 'model.safetensors'))
    expect([...file.tensors.keys()].filter((name) => name.includes('distillation'))).toEqual([])
    await file.close()
    model.dispose()
  })

  it('starts from given values', async () => {
    const name = 'bert.embeddings.word_embeddings.weight'
    const given = new Float32Array(config.vocabSize * 32).fill(0.125)
    const initialValues = (wanted: string) => (wanted === name ? given : undefined)
    const model = await pretrain({ ...options, steps: 1, learningRate: 1e-12, initialValues })
    await model.save(join(folder, 'given'))
    const file = await openSafetensors(join(folder, 'given', 'model.safetensors'))
    expect(await file.read(name)).toBeAllClose(given)
    await file.close()
    model.dispose()
    await expect(pretrain({ ...options, initialValues: () => new Float32Array(3) })).rejects.toThrow(
      `pretrain: 'initialValues('${name}')' must be ${given.length} numbers, for shape [${config.vocabSize}, 32], but got 3.`,
    )
  })

  it('keeps what was learned when it is aborted', async () => {
    const controller = new AbortController()
    const onEvent: PretrainOptions['onEvent'] = (event) => {
      if (event.type === 'step' && event.step === 2) controller.abort()
    }
    const error: unknown = await pretrain({ ...options, signal: controller.signal, onEvent }).catch(
      (error: unknown) => error,
    )
    expect(error).toHaveProperty('name', 'TrainingAbortedError')
    const model = learnedSoFar<PretrainedModel>(error)!
    expect(model.perplexity).toBeNaN()
    await model.save(join(folder, 'aborted'))
    await (await createEmbedder(join(folder, 'aborted'))).dispose()
    model.dispose()
  })
})

describe('pretrain refuses', () => {
  it.each<[string, Partial<PretrainOptions>, string]>([
    ['no texts', { texts: [] }, "'texts' must be at least one text, but got none."],
    ['no texts to measure on', { heldOut: [] }, "'heldOut' must be at least one text, but got none."],
    ['blank texts to measure on', { heldOut: [' '] }, "'heldOut' must be texts with words in them"],
    ['no steps', { steps: 0 }, "'steps' must be a positive integer, but got 0."],
    ['no batch', { batchSize: 0 }, "'batchSize' must be a positive integer, but got 0."],
    ['nothing to hide', { maskRate: 0 }, "'maskRate' must be above 0 and at most 1, but got 0."],
    ['a warm-up beyond the end', { warmupRatio: 2 }, "'warmupRatio' must be from 0 to 1, but got 2."],
    [
      'a length beyond the model',
      { maxLength: 33 },
      "'maxLength' must be an integer from 2 to the 32 tokens",
    ],
    [
      'a vocabulary that is too small',
      { config: { ...config, vocabSize: 10 } },
      `'config' must be of a vocabulary of at least the tokenizer's ${tokenizer.vocabSize}, but got 10.`,
    ],
    [
      'a teacher of other texts',
      { distillation: { size: 2, embeddings: new Float32Array(3) } },
      "'distillation.embeddings' must be 64 × 2 numbers, one row for each text, but got 3.",
    ],
  ])('%s', async (_, wrong, message) => {
    await expect(pretrain({ ...options, ...wrong })).rejects.toThrow(`pretrain: ${message}`)
  })

  it('a tokenizer without a mask token', async () => {
    const { maskTokenId, ...unmasked } = tokenizer
    expect(maskTokenId).toBeDefined()
    await expect(pretrain({ ...options, tokenizer: unmasked })).rejects.toThrow(
      "pretrain: 'tokenizer' must be one with a mask token, but got one without.",
    )
  })
})
