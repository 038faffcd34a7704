import { ArgumentError } from '@tfx/common'
import { type ChatMessage, chatRoles } from '../template/messages'

/** @throws ArgumentError unless they are messages, at least one; what else is asked of them is up to the template. */
export function checkMessages(messages: unknown, caller: string): asserts messages is ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw wrong(caller, {
      argument: 'messages',
      expected: 'a list of at least one message',
      received: Array.isArray(messages) ? 'none' : typeof messages,
    })
  }
  messages.forEach((message: unknown, index) => {
    const { role, content } = (message ?? {}) as Partial<Record<'role' | 'content', unknown>>
    if (!chatRoles.some((known) => known === role)) {
      const argument = `messages[${index}].role`
      throw wrong(caller, { argument, expected: chatRoles.join(', '), received: printed(role) })
    }
    if (typeof content === 'string' || Array.isArray(content) || (content === null && role === 'assistant'))
      return
    const argument = `messages[${index}].content`
    throw wrong(caller, { argument, expected: 'a string', received: printed(content) })
  })
}

const printed = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))

const wrong = (
  caller: string,
  details: { readonly argument: string; readonly expected: string; readonly received: string },
) =>
  new ArgumentError({
    function: caller,
    ...details,
    remedy: "Messages look like { role: 'user', content: 'Hello!' }.",
  })
