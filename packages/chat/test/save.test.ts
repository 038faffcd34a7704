import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { fixturePath } from '@tfx/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { type ChatMessage, chatTemplates, load, transfer, type TransferOptions } from '../src/index'
import { textOf } from './support'

const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
afterAll(() => rm(folder, { recursive: true }))

const dialogues = ['one', 'two', 'six', 'ten'].map((word) => ({
  prompt: word,
  completion: word.toUpperCase(),
}))
const quick = {
  learningRate: 1e-2,
  maxSteps: 20,
  batchSize: 4,
  progress: false,
  validation: false,
} satisfies TransferOptions

describe('save', () => {
  it.each<[string, object]>([
    ["the base's template", {}],
    ['a template of its own, and LoRA', { chatTemplate: chatTemplates.plain, adapter: 'lora' }],
  ])('gives a directory that Transformers.js continues alike, with %s', async (name, options) => {
    const bot = await transfer(fixturePath('chat/tiny-chat'), dialogues, { ...quick, ...options })
    const directory = join(folder, name.length.toString())
    await bot.save(directory, { onnx: ['float32'] })
    env.allowRemoteModels = false
    env.localModelPath = dirname(directory)
    const generator = await pipeline('text-generation', basename(directory), { dtype: 'fp32' })
    const again = await load(directory)
    for (const content of ['six', 'Something else?', '<|im_end|>']) {
      const messages: ChatMessage[] = [{ role: 'user', content }]
      const text = await textOf(bot.chat(messages, { maxNewTokens: 24 }))
      expect(await textOf(again.chat(messages, { maxNewTokens: 24 }))).toBe(text)
      // Transformers.js takes a special token in a text for one.
      if (content.includes('<|')) continue
      const [answer] = (await generator(messages as never, {
        max_new_tokens: 24,
        do_sample: false,
      })) as unknown as [{ generated_text: ChatMessage[] }]
      expect(answer.generated_text.at(-1)!.content).toBe(text)
    }
    const config = JSON.parse(await readFile(join(directory, 'tokenizer_config.json'), 'utf8')) as object
    if ('chatTemplate' in options) expect(config).toMatchObject({ chat_template: chatTemplates.plain })
    await generator.dispose()
    await Promise.all([bot.dispose(), again.dispose()])
  })
})

describe('load with a precision', () => {
  it('writes in int4 what its export writes in Transformers.js', async () => {
    const directory = join(folder, 'int4')
    const trained = await transfer(fixturePath('chat/tiny-chat'), dialogues, quick)
    await trained.save(directory, { onnx: ['int4'] })
    await trained.dispose()
    env.allowRemoteModels = false
    env.localModelPath = dirname(directory)
    const generator = await pipeline('text-generation', basename(directory), { dtype: 'q4' })
    const bot = await load(directory, { precision: 'int4' })
    for (const content of ['six', 'Something else?', 'a b c d']) {
      const messages: ChatMessage[] = [{ role: 'user', content }]
      const settings = { max_new_tokens: 24, do_sample: false }
      const [answer] = (await generator(messages as never, settings)) as unknown as [
        { generated_text: ChatMessage[] },
      ]
      const text = await textOf(bot.chat(messages, { maxNewTokens: 24 }))
      expect(text).toBe(answer.generated_text.at(-1)!.content)
    }
    await generator.dispose()
    await bot.dispose()
  })

  it.each([
    ['int8', 0.01],
    ['int4', 0.5],
  ] as const)('is measured in %s, near what the weights give, and saved whole', async (precision, near) => {
    const directory = join(folder, `${precision}-whole`)
    const trained = await transfer(fixturePath('chat/tiny-chat'), dialogues, quick)
    await trained.save(directory, { onnx: [] })
    const bot = await load(directory, { precision })
    const [ours, whole] = [await bot.evaluate(dialogues), await trained.evaluate(dialogues)]
    expect(ours.loss).not.toBe(whole.loss)
    expect(Math.abs(ours.loss - whole.loss)).toBeLessThan(near)
    const again = join(folder, `${precision}-again`)
    await bot.save(again, { onnx: [] })
    const weights = [directory, again].map((path) => readFile(join(path, 'model.safetensors')))
    const [before, after] = await Promise.all(weights)
    expect(after!.equals(before!)).toBe(true)
    await Promise.all([bot.dispose(), trained.dispose()])
  })

  it('refuses one that there is not', async () => {
    const loaded = load(fixturePath('chat/tiny-chat'), { precision: 'int2' as never })
    await expect(loaded).rejects.toThrow("load: 'precision' must be 'float32', 'int8' or 'int4'")
  })
})
