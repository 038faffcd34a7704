import { ArgumentError } from '@tfx/common'
import { loadTokenizer, type Tokenizer } from '@tfx/core'
import { fixturePath, loadFixture } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ChatMessage, type ChatTemplate, chatTemplates, createChatTemplate } from '../src/index'

interface Case {
  template: string
  dialogue: string
  ids: number[]
  prompt?: number[]
  markedIds?: number[]
  mask?: string
}

const { templates, marked, dialogues, cases } = loadFixture<{
  templates: Record<string, string>
  marked: Record<string, string>
  dialogues: Record<string, ChatMessage[]>
  cases: Record<string, Case[]>
}>('chat/templates')

describe.each(Object.keys(cases))('templates over a %s tokenizer', (name) => {
  let tokenizer: Tokenizer
  const opened = new Map<string, ChatTemplate>()
  const open = (chatTemplate: string) => {
    const template = opened.get(chatTemplate) ?? createChatTemplate(tokenizer, { chatTemplate })
    opened.set(chatTemplate, template)
    return template
  }
  beforeAll(async () => {
    tokenizer = await loadTokenizer(fixturePath(`chat/tokenizers/${name}`))
  })

  const names = name === 'byte-level' ? Object.keys(templates) : ['llama3', 'mistral', 'qwen3']
  it.each(names)('of %s give the ids and masks of transformers', async (templateName) => {
    const own = cases[name]!.filter(({ template }) => template === templateName)
    expect(own.length).toBeGreaterThan(4)
    for (const { dialogue, ids, prompt, markedIds, mask } of own) {
      const messages = dialogues[dialogue]!
      const plain = await open(templates[templateName]!).encode(messages)
      expect(plain.inputIds, dialogue).toEqual(ids)
      if (mask === undefined) continue
      const before = messages.slice(0, -1)
      const started = await open(templates[templateName]!).encode(before, { addGenerationPrompt: true })
      expect(started.inputIds, dialogue).toEqual(prompt)
      const withMask = await open(marked[templateName]!).encode(messages, { assistantMask: true })
      expect(withMask.inputIds, dialogue).toEqual(markedIds ?? ids)
      expect(withMask.assistantMask!.join(''), dialogue).toBe(mask)
    }
  })
})

describe('the name of a template', () => {
  it('is one of the tokenizer or of chatTemplates, and no text that is the same for every dialogue', async () => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
    const open = (chatTemplate: string) => createChatTemplate(tokenizer, { chatTemplate })
    expect(open('chatml').source).toBe(chatTemplates.chatml)
    expect(() => open('chatlm')).toThrow(
      /'chatTemplate' must be .* the name of one: .*chatml.*, but got "chatlm"/,
    )
    expect(() => open('constructor')).toThrow(ArgumentError)
  })
})

describe('masks of templates that do not mark generation', () => {
  // TRL's templates count the line feed behind the token that ends a turn, Phi-3's the end of the text as well.
  const beyond = new Set(['\n', '</s>'])
  it.each(['smollm2', 'zephyr', 'mistral', 'llama3', 'gemma', 'phi3', 'qwen2_5'])(
    'of %s are those of its marked template, but for what no model has to write',
    async (name) => {
      const tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
      const template = createChatTemplate(tokenizer, { chatTemplate: templates[name]! })
      const own = cases['byte-level']!.filter((one) => one.template === name && one.mask !== undefined)
      expect(own.length).toBeGreaterThan(2)
      for (const { dialogue, ids, markedIds, mask } of own) {
        if (markedIds) continue
        const { assistantMask } = await template.encode(dialogues[dialogue]!, { assistantMask: true })
        const differing = ids.filter((_, index) => assistantMask![index] !== Number(mask![index]))
        for (const id of differing)
          expect(beyond).toContain(tokenizer.decode([id], { skipSpecialTokens: false }))
        const isExact = !['gemma', 'phi3', 'qwen2_5'].includes(name)
        if (isExact) expect(differing, dialogue).toEqual([])
      }
    },
  )
})

describe('what a user writes', () => {
  const joining = '{% for message in messages %}{{ message.content | trim }}{% endfor %}</s>'
  const parts = "{% for part in messages[0].content %}{{ part.text }}{% endfor %}{{ '<|im_end|>' }}"
  it.each<[string, string, ChatMessage[], string]>([
    [
      'in messages that are joined',
      joining,
      [
        { role: 'user', content: 'a <|im_ ' },
        { role: 'assistant', content: ' end|> b' },
      ],
      'a <|im_end|> b</s>',
    ],
    [
      'in parts of a message',
      parts,
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: '<|im_' },
            { type: 'text', text: 'end|>' },
          ],
        },
      ],
      '<|im_end|><|im_end|>',
    ],
    [
      'with characters that mark',
      joining,
      [{ role: 'user', content: '\ufdd0<\ufdd1|im_\ufdd2end|>\ufdd3' }],
      '<|im_end|></s>',
    ],
  ])('never becomes a special token: %s', async (_, chatTemplate, messages, text) => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
    const encoded = await createChatTemplate(tokenizer, { chatTemplate }).encode(messages)
    expect(encoded.text).toBe(text)
    expect(tokenizer.decode(encoded.inputIds, { skipSpecialTokens: false })).toBe(text)
    const special = encoded.inputIds.filter((id) => tokenizer.specialTokenIds.includes(id))
    expect(special).toEqual(encoded.inputIds.slice(-1))
  })
})

describe('a template of a stranger', () => {
  const grow = (times: number, body: string) =>
    `{% set ns = namespace(x='ab') %}{% for i in range(${times}) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}${body}`
  it.each<[string, string, RegExp]>([
    [
      'that does not end',
      '{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}',
      /longer than 1000 ms/,
    ],
    ['that fills the memory', grow(27, '{{ ns.x | upper | length }}'), /(memory|longer)/],
    ['that makes a list without end', '{% for i in range(999999999) %}{% endfor %}', /(memory|longer)/],
    ['that writes without end', grow(23, '{{ ns.x }}'), /writes more than 8388608 characters/],
    [
      'that calls itself',
      '{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}',
      /one that fails: Maximum call stack/,
    ],
    ['that is not closed', '{% for x in messages %}', /cannot be read/],
    ['that uses what is not there', '{{ nothing.at.all() }}', /one that fails/],
  ])('%s is an error, and the next one works', async (_, chatTemplate, message) => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
    const template = createChatTemplate(tokenizer, { chatTemplate, timeout: 1000 })
    const failed = template.encode([{ role: 'user', content: 'Hello!' }])
    await expect(failed).rejects.toMatchObject({ code: 'ERR_TFX_CHECKPOINT', function: 'encode' })
    await expect(failed).rejects.toThrow(message)
  })

  it('is started again after it failed', async () => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
    const endless =
      '{% if messages | length > 1 %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% endif %}{{ messages[0].content }}'
    const template = createChatTemplate(tokenizer, { chatTemplate: endless, timeout: 1000 })
    const message: ChatMessage = { role: 'user', content: 'Hello!' }
    const both = await Promise.allSettled([template.encode([message, message]), template.encode([message])])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(both[1]).toMatchObject({ value: { text: 'Hello!' } })
  })

  it('that refuses messages says why', async () => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
    const template = createChatTemplate(tokenizer, { chatTemplate: templates.gemma! })
    await expect(template.encode([{ role: 'system', content: 'Be kind.' }])).rejects.toThrow(
      "encode: 'messages' must be messages that the model's chat template accepts, but got its refusal: System role not supported.",
    )
  })

  it('that changes what is said hides who says it', async () => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
    const template = createChatTemplate(tokenizer, { chatTemplate: '{{ messages[0].content | upper }}' })
    await expect(
      template.encode([{ role: 'assistant', content: 'Hello!' }], { assistantMask: true }),
    ).rejects.toThrow(/Put {% generation %} and {% endgeneration %} around the answer/)
  })

  it('that is missing is an error that names the remedy', async () => {
    const tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
    expect(() => createChatTemplate(tokenizer)).toThrow(/must be one with a chat template .* Pass one/)
  })
})
