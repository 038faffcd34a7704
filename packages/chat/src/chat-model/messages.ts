import { ArgumentError } from '@tfx/common'

/** What somebody says in a dialogue. */
export interface ChatMessage {
  /** `system` says how to behave, `user` asks, `assistant` is the model. */
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

const roles: readonly unknown[] = ['system', 'user', 'assistant'] satisfies ChatMessage['role'][]

/** @throws ArgumentError unless they are messages, at least one. */
export function checkMessages(messages: unknown, caller: string): asserts messages is ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw wrong(caller, {
      argument: 'messages',
      expected: 'a list of at least one message',
      received: Array.isArray(messages) ? 'none' : typeof messages,
    })
  }
  messages.forEach((message: unknown, index) => {
    const { role, content } = (message ?? {}) as Partial<Record<keyof ChatMessage, unknown>>
    const argument = `messages[${index}]`
    if (!roles.includes(role)) {
      const received = JSON.stringify(role) ?? 'nothing'
      throw wrong(caller, { argument: `${argument}.role`, expected: roles.join(', '), received })
    }
    if (typeof content !== 'string')
      throw wrong(caller, { argument: `${argument}.content`, expected: 'a string', received: typeof content })
  })
}

const wrong = (
  caller: string,
  details: { readonly argument: string; readonly expected: string; readonly received: string },
) =>
  new ArgumentError({
    function: caller,
    ...details,
    remedy: "Messages look like { role: 'user', content: 'Hello!' }.",
  })
