import { ArgumentError, TfxError } from '@tfx/common'
import { loadTokenizer, type Tokenizer } from '@tfx/core'
import { fixturePath, loadFixture } from '@tfx/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ChatMessage, createChatTemplate } from '../src/index'

const cases =
  loadFixture<{ template: string; messages: ChatMessage[]; text?: string }[]>('chat/python-semantics')

describe('a template', () => {
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await loadTokenizer(fixturePath('chat/tokenizers/byte-level'))
  })
  const render = async (chatTemplate: string, messages: readonly ChatMessage[]) =>
    (await createChatTemplate(tokenizer, { chatTemplate }).encode(messages)).text

  it.each(cases)('is rendered as in Python: $template', async ({ template, messages, text }) => {
    if (text === undefined) await expect(render(template, messages)).rejects.toBeInstanceOf(TfxError)
    else expect(await render(template, messages)).toBe(text)
  })

  it('refuses messages in its own words, also where it puts them together', async () => {
    const refused = render("{{ raise_exception('No ' + messages[0].role + ' here') }}", [
      { role: 'system', content: 'x' },
    ])
    await expect(refused).rejects.toThrow(ArgumentError)
    await expect(refused).rejects.toThrow(/its refusal: No system here/)
  })

  it('is not blamed for a message without content', async () => {
    const call = { type: 'function', function: { name: 'add', arguments: {} } }
    const messages: ChatMessage[] = [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: null, tool_calls: [call] },
    ]
    const template = '{% for message in messages %}{{ message.role + message.content }}{% endfor %}'
    await expect(render(template, messages)).rejects.toThrow(ArgumentError)
    await expect(render(template, messages)).rejects.toThrow(/'messages\[1\]\.content' must be a text/)
  })

  it('cuts what the assistant thought at a token that it writes itself', async () => {
    const chatTemplate =
      "{% set parts = messages[0].content.split('</think>') %}{{ '<think>' + parts[0].split('<think>')[-1].strip('\\n') }}" +
      "{{ '\\n</think>\\n' + parts[1].lstrip('\\n') }}"
    const content = '<think>\nwhy\n</think>\n\nso'
    const template = createChatTemplate(tokenizer, { chatTemplate })
    const { text, inputIds } = await template.encode([{ role: 'assistant', content }])
    expect(text).toBe('<think>why\n</think>\nso')
    const end = tokenizer.vocabulary().get('</think>')
    expect(inputIds.filter((id) => id === end)).toHaveLength(1)
  })
})
