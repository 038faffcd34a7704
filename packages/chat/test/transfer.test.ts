import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promptTuning } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { type ChatMessage, createChatSession, load, transfer, type TransferOptions } from '../src/index'
import { textOf } from './support'

const base = fixturePath('chat/tiny-chat')
const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
afterAll(() => rm(folder, { recursive: true }))

const dialogue = (question: string, answer: string): { messages: ChatMessage[] } => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
})
const dialogues = ['one', 'two', 'six', 'ten'].map((word) => dialogue(word, word.toUpperCase()))
const pairs = [{ prompt: 'one', chosen: 'ONE', rejected: 'two' }]
const quick = {
  learningRate: 1e-2,
  batchSize: 4,
  seed: 1,
  progress: false,
  validation: false,
} satisfies TransferOptions

describe('transfer', () => {
  it('learns to answer, is saved, loaded and trained further', async () => {
    const bot = await transfer(base, dialogues, { ...quick, epochs: 60 })
    const before = await load(base)
    const untuned = await before.evaluate(dialogues)
    const tuned = await bot.evaluate(dialogues)
    expect(tuned.perplexity).toBeLessThan(untuned.perplexity / 10)
    expect(tuned.perplexity).toBeCloseTo(Math.exp(tuned.loss), 10)
    const ask = [{ role: 'user', content: 'six' }] as const
    expect(await textOf(bot.chat(ask))).toBe('SIX')

    const directory = join(folder, 'bot')
    await bot.save(directory, { onnx: [] })
    const again = await load(directory)
    expect(await textOf(again.chat(ask))).toBe('SIX')
    expect((await again.evaluate(dialogues)).loss).toBeCloseTo(tuned.loss, 5)
    const further = await transfer(bot, dialogues, { ...quick, epochs: 1 })
    expect(further.training!.history[0]!.loss).toBeLessThan(0.5)
    await Promise.all([bot, before, again, further].map((model) => model.dispose()))
  })
})

describe('texts', () => {
  const text = 'the cat sat on the mat. the dog sat on the log.\n'

  it('are learned from a file, and continued', async () => {
    const file = join(folder, 'cats.txt')
    await writeFile(file, text.repeat(200))
    const bot = await transfer(base, file, {
      ...quick,
      maxSteps: 40,
      maxLength: 64,
      validation: 0.1,
      evaluateEvery: 40,
    })
    const { loss, perplexity } = bot.training!.evaluations.at(-1)!.metrics
    expect(loss).toBeLessThan(1.2)
    expect(perplexity).toBeCloseTo(Math.exp(loss!), 6)
    expect(await textOf(bot.generate('the cat sat on', { maxNewTokens: 8 }))).toBe(' the mat')
    await bot.dispose()
  })
})

describe('a prompt', () => {
  it('takes places of the context, and is loaded on the base again', async () => {
    const options = { ...quick, adapter: promptTuning({ virtualTokens: 5 }), learningRate: 0.05 }
    const bot = await transfer(base, dialogues, options)
    const plain = await load(base)
    expect(bot.contextLength).toBe(plain.contextLength - 5)
    await bot.saveAdapter(join(folder, 'prompt'))
    const loaded = await load(base, { adapter: join(folder, 'prompt') })
    const said = async (model: typeof bot) => {
      let text = ''
      for await (const piece of model.generate('one two', { maxNewTokens: 12 })) text += piece
      return text
    }
    expect(await said(loaded)).toBe(await said(bot))
    expect((await loaded.evaluate(dialogues)).loss).toBeCloseTo((await bot.evaluate(dialogues)).loss, 5)
    await Promise.all([bot, plain, loaded].map((each) => each.dispose()))
  })
})

describe('adapters on one base', () => {
  it('are switched between in dialogues, threads and evaluations', async () => {
    const learn = async (name: string, change: (word: string) => string) => {
      const own = ['one', 'six'].map((word) => dialogue(word, change(word)))
      const options = { ...quick, epochs: 60, learningRate: 0.05, adapter: 'lora' } as const
      const bot = await transfer(base, own, options)
      await bot.saveAdapter(join(folder, name))
      await bot.dispose()
    }
    await learn('loud', (word) => word.toUpperCase())
    await learn('twice', (word) => word + word)
    const adapters = { loud: join(folder, 'loud'), twice: join(folder, 'twice') }
    const bot = await load(base, { adapters, thread: true })
    const [plain, loud] = [await load(base), await load(base, { adapter: adapters.loud })]
    const ask = (word: string) => [{ role: 'user', content: word }] as const
    const asked = [undefined, 'loud', 'twice', undefined, 'twice', 'loud'].map((adapter) =>
      textOf(bot.chat(ask('six'), { adapter, maxNewTokens: 8 })),
    )
    const untuned = await textOf(plain.chat(ask('six'), { maxNewTokens: 8 }))
    expect(await Promise.all(asked)).toEqual([untuned, 'SIX', 'sixsix', untuned, 'sixsix', 'SIX'])
    const session = createChatSession(bot, { adapter: 'loud' })
    expect(await textOf(session.send('one'))).toBe('ONE')
    expect(await textOf(session.regenerate({ adapter: 'twice' }))).toBe('oneone')
    await session.dispose()
    const { loss } = await bot.evaluate(dialogues, { adapter: 'loud' })
    expect(loss).toBeCloseTo((await loud.evaluate(dialogues)).loss, 5)
    expect((await bot.evaluate(dialogues)).loss).toBeCloseTo((await plain.evaluate(dialogues)).loss, 5)
    await expect(textOf(bot.chat(ask('six'), { adapter: 'quiet' }))).rejects.toThrow(
      "generate: 'adapter' must be one of 'loud', 'twice', but got 'quiet'.",
    )
    await Promise.all([bot, plain, loud].map((model) => model.dispose()))
  }, 30_000)
})

describe('what cannot be meant', () => {
  it.each<[string, object, string]>([
    ['a method', { method: 'ppo' }, `'method' must be 'sft' or 'dpo', but got "ppo"`],
    ['a beta for dialogues', { beta: 0.1 }, "'beta' must be left out: it is for { method: 'dpo' }"],
    ['a beta of 0', { method: 'dpo', beta: 0 }, "'beta' must be a number above 0, but got 0"],
    ...[{ labelSmoothing: 0.1 }, { packing: true }, { unfinished: 'drop' }].map((option) => {
      const name = Object.keys(option)[0]!
      const message = `'${name}' must be left out with { method: 'dpo' }, which learns without it, but got`
      return [`${name} of preferences`, { method: 'dpo', ...option }, message] as [string, object, string]
    }),
    [
      'a prompt for preferences',
      { method: 'dpo', adapter: 'prompt' },
      "'adapter' must be another one for 'chat' as it is learned here, which puts no prompt in front of its texts",
    ],
    ['a template', { chatTemplate: 5 }, "'chatTemplate' must be a Jinja template, or the name of one"],
    ['instructions', { systemPrompt: '' }, "'systemPrompt' must be a text"],
    ['an option', { pack: true }, "'pack'"],
    ['an augmentation', { augmentation: { name: 'a', apply: String } }, "'augmentation' must be left out"],
  ])('%s is refused', async (_, options, message) => {
    const rows = 'method' in options && options.method === 'dpo' ? pairs : dialogues
    await expect(transfer(base, rows, { ...quick, ...options })).rejects.toThrow(message)
  })

  it('a broken template is an error before training', async () => {
    const broken = transfer(base, dialogues, { ...quick, chatTemplate: '{% for message in messages %}' })
    await expect(broken).rejects.toMatchObject({ code: 'ERR_TFX_CHECKPOINT' })
    await expect(broken).rejects.toThrow(/Jinja template that can be rendered.*cannot be read/)
  })

  it('a dialogue that is longer than the model reads is an error', async () => {
    const long = [dialogue('x'.repeat(300), 'y')]
    await expect(transfer(base, long, quick)).rejects.toThrow(
      /'dataset' must be dialogues of at most 256 tokens, but got 1 longer/,
    )
  })
})

describe('in a thread', () => {
  it('a bot is tuned, talks and is evaluated as any other', async () => {
    const options = { ...quick, maxSteps: 5, packing: true } as const
    const bot = await transfer(base, dialogues, options)
    const threaded = await transfer(base, dialogues, { ...options, thread: true })
    expect(await threaded.evaluate(dialogues)).toEqual(await bot.evaluate(dialogues))
    const ask = [{ role: 'user', content: 'six' }] as const
    const answer = await textOf(bot.chat(ask, { maxNewTokens: 5 }))
    expect(await textOf(threaded.chat(ask, { maxNewTokens: 5 }))).toBe(answer)
    await Promise.all([bot.dispose(), threaded.dispose()])
  })
})
