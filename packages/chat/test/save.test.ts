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
