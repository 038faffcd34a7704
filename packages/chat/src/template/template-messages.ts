import type { ChatMessage } from './messages'

/** What a message's reasoning is called; templates read the first. */
const reasoningFields = ['reasoning_content', 'thinking', 'reasoning'] as const

/**
 * Messages as transformers' `apply_chat_template` hands them to a template: without fields that are null, such as `content`
 * beside `tool_calls`, and with reasoning under the names that templates read.
 */
export const templateMessages = (messages: readonly ChatMessage[]): ChatMessage[] =>
  messages.map((message) => {
    const given = Object.fromEntries(
      Object.entries(message).filter(([, value]) => value !== null && value !== undefined),
    ) as Omit<ChatMessage, 'role'> & Pick<ChatMessage, 'role'>
    const field = reasoningFields.find((name) => given[name] !== undefined)
    return field === undefined ? given : { thinking: given[field], ...given, reasoning_content: given[field] }
  })
