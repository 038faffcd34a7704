import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { loadTokenizer } from '@tfx/core'
import { fixturePath } from '@tfx/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { readExamples } from '../src/dialogues/read-examples'
import { type ChatMessage, createChatTemplate } from '../src/index'
import { encodePreferences } from '../src/preferences/encode-preferences'
import { readPreferences } from '../src/preferences/read-preferences'
import { encodeDialogues } from '../src/tuning/encode-dialogues'
import { packTexts, packWhole } from '../src/tuning/pack'

const folder = await mkdtemp(join(tmpdir(), 'tfx-test-'))
afterAll(() => rm(folder, { recursive: true }))

const user = (content: string): ChatMessage => ({ role: 'user', content })
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })
const read = async (rows: object[], systemPrompt?: string) =>
  (await readExamples(rows, { caller: 'transfer', systemPrompt })).examples

describe('rows to learn from', () => {
  it.each<[string, object, ChatMessage[]]>([
    [
      'messages',
      { messages: [system('Be brief.'), user('Hi'), assistant('Hello')] },
      [system('Be brief.'), user('Hi'), assistant('Hello')],
    ],
    [
      'ShareGPT',
      {
        conversations: [
          { from: 'human', value: 'Hi' },
          { from: 'gpt', value: 'Hello' },
        ],
      },
      [user('Hi'), assistant('Hello')],
    ],
    [
      'ShareGPT with instructions',
      {
        system: 'Be brief.',
        conversations: [
          { from: 'user', value: 'Hi' },
          { from: 'gpt', value: 'Hello' },
        ],
      },
      [system('Be brief.'), user('Hi'), assistant('Hello')],
    ],
    ['a prompt and its completion', { prompt: 'Hi', completion: 'Hello' }, [user('Hi'), assistant('Hello')]],
    [
      'messages as prompt and completion',
      { prompt: [system('A'), user('Hi')], completion: [assistant('Hello')] },
      [system('A'), user('Hi'), assistant('Hello')],
    ],
    [
      'an instruction',
      { instruction: 'Say hello.', input: '', output: 'Hello' },
      [user('Say hello.'), assistant('Hello')],
    ],
    [
      'an instruction with input',
      { instruction: 'Translate.', input: 'Hallo', output: 'Hello' },
      [user('Translate.\n\nHallo'), assistant('Hello')],
    ],
  ])('may be %s', async (_, row, messages) => {
    expect(await read([row])).toEqual([{ messages }])
  })

  it('may be texts', async () => {
    expect(await read([{ text: 'One.' }, { text: 'Two.' }])).toEqual([{ text: 'One.' }, { text: 'Two.' }])
  })

  it('get the instructions that they lack', async () => {
    const rows = [
      { messages: [user('Hi'), assistant('Hello')] },
      { messages: [system('A'), user('Hi'), assistant('B')] },
    ]
    const [first, second] = await read(rows, 'Be kind.')
    expect(first).toEqual({ messages: [system('Be kind.'), user('Hi'), assistant('Hello')] })
    expect(second).toEqual(rows[1])
  })

  it('may be unfinished, if what is behind the last answer may be dropped', async () => {
    const rows = [
      { messages: [user('Hi'), assistant('Hello'), user('Bye')] },
      { messages: [user('Hi'), assistant('Hello')] },
      { messages: [user('Anyone?')] },
    ]
    const { examples } = await readExamples(rows, { caller: 'transfer', unfinished: 'drop' })
    expect(examples).toEqual([rows[1], rows[1]])
  })

  it.each<[string, object, string]>([
    [
      'ends with the user',
      { messages: [user('Hi'), assistant('Hello'), user('Bye')] },
      "transfer: 'rows, row 1' must be a dialogue that ends with the assistant, from whom is learned, but got one that ends with the user. Leave its last message out, or pass { unfinished: 'drop' }.",
    ],
    [
      'does not alternate',
      { messages: [user('Hi'), user('Hi?'), assistant('Hello')] },
      "transfer: 'rows, row 1, messages[1].role' must be assistant: user and assistant take turns, but got 'user'.",
    ],
    [
      'begins with the assistant',
      { messages: [assistant('Hi'), user('Hello'), assistant('Bye')] },
      "'rows, row 1, messages[0].role' must be user: user and assistant take turns, but got 'assistant'.",
    ],
    [
      'has a role that nobody knows',
      { messages: [user('Hi'), { role: 'bot', content: 'Hello' }] },
      `'rows, row 1, messages[1].role' must be one of system, developer, user, assistant, tool, but got "bot".`,
    ],
    [
      'has instructions in the middle',
      { messages: [user('Hi'), system('Be kind.'), assistant('Hello')] },
      'user and assistant take turns',
    ],
    [
      'has an empty message',
      { messages: [user('Hi'), assistant(' ')] },
      `'rows, row 1, messages[1].content' must be a text, but got " ".`,
    ],
    [
      'has a message without content',
      { messages: [user('Hi'), { role: 'assistant' }] },
      'must be a text, but got nothing',
    ],
    ['is empty', { messages: [] }, "'rows, row 1' must be a list of messages, but got an empty one."],
    ['is no list', { messages: 'Hi' }, `must be a list of messages, but got "Hi"`],
    [
      'has an answer that is not to be learned',
      { messages: [user('Hi'), { ...assistant('Hello'), weight: 0 }] },
      'every answer of a dialogue is learned',
    ],
    [
      'has an unknown ShareGPT speaker',
      {
        conversations: [
          { from: 'alien', value: 'Hi' },
          { from: 'gpt', value: 'Hello' },
        ],
      },
      'but got "alien"',
    ],
    [
      'has none of the columns',
      { question: 'Hi', answer: 'Hello' },
      'must be a row with messages, or conversations, or prompt and completion, or instruction and output, or text, but got question, answer.',
    ],
    ['has an empty text', { text: ' ' }, "'rows, row 1, text' must be a text"],
  ])('are refused if one %s', async (_, row, message) => {
    await expect(read([row])).rejects.toMatchObject({ code: 'ERR_TFX_DATA' })
    await expect(read([row])).rejects.toThrow(message)
  })

  it('may use tools', async () => {
    const call = {
      role: 'assistant',
      content: null,
      tool_calls: [{ function: { name: 'f', arguments: {} } }],
    }
    const messages = [user('Hi'), call, { role: 'tool', content: '5' }, assistant('Five.')]
    expect(await read([{ messages }])).toEqual([{ messages }])
    await expect(read([{ messages: [user('Hi'), call, user('?'), assistant('!')] }])).rejects.toThrow(
      'must be tool: user',
    )
  })

  it('may be a file of text, of which parts can be set aside', async () => {
    const text = Array.from(
      { length: 400 },
      (_, line) => `Line ${line} of a long text.\n${line % 7 === 0 ? '\n  ' : ''}`,
    ).join('')
    await writeFile(join(folder, 'a.txt'), text)
    await writeFile(join(folder, 'a.txt.gz'), gzipSync(text))
    for (const file of [
      join(folder, 'a.txt'),
      join(folder, 'a.txt.gz'),
      pathToFileURL(join(folder, 'a.txt')),
    ]) {
      const { examples } = await readExamples(file, { caller: 'transfer' })
      const parts = examples as { text: string; continues: boolean }[]
      expect(parts.map((part) => part.text).join('')).toBe(text)
      expect(parts.length).toBeGreaterThan(30)
      expect(parts.findLastIndex(({ continues }) => !continues)).toBe(0)
      for (const part of parts.slice(1)) expect(part.text).toMatch(/^\S/)
    }
    await writeFile(join(folder, 'empty.txt'), '\n')
    await writeFile(join(folder, 'latin.txt'), Buffer.from([0x66, 0xfc, 0x72]))
    const fails = (name: string) => expect(readExamples(join(folder, name), { caller: 'transfer' })).rejects
    await fails('empty.txt').toThrow('must be a text, but got an empty file')
    await fails('latin.txt').toThrow('must be text in UTF-8')
    await fails('none.txt').toThrow('must be a file that can be read')
  })
})

describe('preferences', () => {
  const readPairs = async (rows: object[]) => (await readPreferences(rows, { caller: 'transfer' })).examples
  const pair = { prompt: [user('Hi')], chosen: [assistant('Hello')], rejected: [assistant('No')] }

  it.each<[string, object]>([
    ['of texts', { prompt: 'Hi', chosen: 'Hello', rejected: 'No' }],
    ['of messages', pair],
    ['to an instruction', { instruction: 'Hi', input: '', chosen: 'Hello', rejected: 'No' }],
    [
      'of whole dialogues',
      { chosen: [user('Hi'), assistant('Hello')], rejected: [user('Hi'), assistant('No')] },
    ],
  ])('may be %s', async (_, row) => {
    expect(await readPairs([row])).toEqual([pair])
  })

  it.each<[string, object, string]>([
    ['lacks an answer', { prompt: 'Hi', chosen: 'Hello' }, 'must be a row with prompt, chosen and rejected'],
    [
      'prefers nothing',
      { prompt: 'Hi', chosen: 'Hello', rejected: 'Hello' },
      'must be two answers that differ',
    ],
    ['has no question', { prompt: [assistant('Hi')], chosen: 'Hello', rejected: 'No' }, 'take turns'],
    [
      'has an empty answer',
      { prompt: 'Hi', chosen: 'Hello', rejected: '' },
      "'rows, row 1, rejected, messages[1].content'",
    ],
  ])('are refused if one %s', async (_, row, message) => {
    await expect(readPairs([row])).rejects.toMatchObject({ code: 'ERR_TFX_DATA' })
    await expect(readPairs([row])).rejects.toThrow(message)
  })

  it('may be cut where they are too long', async () => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tiny-chat'))
    const run = { tokenizer, config: {} as never, caller: 'transfer', options: {} }
    const [whole] = await encodePreferences([pair], { ...run, maxLength: 256, truncation: false })
    const length = whole!.chosen.inputIds.length
    const cut = await encodePreferences([pair], { ...run, maxLength: length - 3, truncation: true })
    expect(cut[0]!.chosen.inputIds).toEqual(whole!.chosen.inputIds.slice(0, -3))
    expect(cut[0]!.rejected).toEqual(whole!.rejected)
    const refused = encodePreferences([pair], { ...run, maxLength: length - 1, truncation: false })
    await expect(refused).rejects.toThrow(
      `must be dialogues of at most ${length - 1} tokens, but got 1 longer`,
    )
    const nothing = encodePreferences([pair], { ...run, maxLength: 5, truncation: true })
    await expect(nothing).rejects.toThrow('must be dialogues of at most 5 tokens')
  })
})

describe('dialogues that are too long', () => {
  const turns = (count: number) =>
    Array.from({ length: count }, (_, index) => [user(`q${index}`), assistant(`a${index}`)]).flat()

  it('lose whole turns at their end', async () => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tiny-chat'))
    const template = createChatTemplate(tokenizer)
    const encode = (dialogues: ChatMessage[][], maxLength: number, truncation = true) =>
      encodeDialogues(dialogues, { template, maxLength, truncation, caller: 'transfer' })
    const [whole] = await encode([turns(9)], Infinity)
    for (const kept of [1, 2, 5, 8]) {
      const [expected] = await encode([turns(kept)], Infinity)
      const { length } = expected!.inputIds
      const [cut, short, long] = await encode(
        [turns(9), turns(1), [user('x'.repeat(300)), assistant('a')]],
        length,
      )
      expect(cut).toEqual(expected)
      expect(whole!.inputIds.slice(0, length)).toEqual(cut!.inputIds)
      expect(short!.inputIds.length).toBeLessThanOrEqual(length)
      expect(long).toBeUndefined()
    }
    await expect(encode([turns(9)], 100, false)).rejects.toThrow(
      "transfer: 'dataset' must be dialogues of at most 100 tokens, but got 1 longer; the first begins with 'q0'.",
    )
    await expect(encode([turns(9)], 10)).rejects.toThrow('must be dialogues of at most 10 tokens')
  })
})

describe('packing', () => {
  it('cuts texts into blocks, and loses no token but a last one alone', () => {
    const texts = [[1, 2, 3], [4, 5, 6, 7, 8], [9]]
    expect(packTexts(texts, 4)).toEqual([
      { inputIds: [1, 2, 3, 4], labels: [1, 2, 3, 4], first: 0 },
      { inputIds: [5, 6, 7, 8], labels: [5, 6, 7, 8], first: 1 },
    ])
    expect(packTexts(texts, 5).map(({ inputIds, first }) => [inputIds, first])).toEqual([
      [[1, 2, 3, 4, 5], 0],
      [[6, 7, 8, 9], 1],
    ])
  })

  it('puts dialogues whole into blocks, and has none foretell the next', () => {
    const dialogue = (...ids: number[]) => ({ inputIds: ids, labels: ids })
    expect(packWhole([dialogue(1, 2), dialogue(3, 4), dialogue(5, 6, 7)], 5)).toEqual([
      { inputIds: [1, 2, 3, 4], labels: [-100, 2, -100, 4], first: 0 },
      { inputIds: [5, 6, 7], labels: [-100, 6, 7], first: 2 },
    ])
  })
})
