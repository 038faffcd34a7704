import { DataError } from '@tfx/common'
import { type ChatMessage, chatRoles } from '../template/messages'

/** Where a dialogue stands, for errors. */
export interface DialoguePlace {
  /** The public function to name. */
  readonly caller: string
  /** For instance `dialogues.jsonl, line 12`. */
  readonly place: string
}

/**
 * Checks a dialogue to learn from: messages of known roles that are not empty; instructions first, then the user and the
 * assistant by turns, the assistant last. Results of tools stand between two messages of the assistant.
 *
 * @throws DataError that names the message.
 */
export function checkDialogue(messages: unknown, { caller, place }: DialoguePlace): readonly ChatMessage[] {
  const fail = (at: string, details: { expected: string; received: string; remedy: string }) =>
    new DataError({ function: caller, argument: `${place}${at}`, ...details })
  if (!Array.isArray(messages) || messages.length === 0) {
    throw fail('', {
      expected: 'a list of messages',
      received: Array.isArray(messages) ? 'an empty one' : printed(messages),
      remedy: 'Leave the row out, or give it at least a question and an answer.',
    })
  }
  const list = messages as readonly unknown[]
  list.forEach((message, index) => {
    const { role, content, ...others } = (message ?? {}) as Record<string, unknown>
    const at = `, messages[${index}]`
    if (!chatRoles.some((known) => known === role)) {
      throw fail(`${at}.role`, {
        expected: `one of ${chatRoles.join(', ')}`,
        received: printed(role),
        remedy: 'Rename the role, or leave the message out.',
      })
    }
    if (isBlank(content) && !(role === 'assistant' && others.tool_calls !== undefined)) {
      throw fail(`${at}.content`, {
        expected: 'a text',
        received: content === '' ? 'an empty one' : printed(content),
        remedy: 'Leave the dialogue out, or fill the text in.',
      })
    }
    if (others.weight === 0) {
      throw fail(`${at}.weight`, {
        expected: 'left out: every answer of a dialogue is learned',
        received: '0',
        remedy: 'End the dialogue before this answer, or leave the dialogue out.',
      })
    }
  })
  const checked = list as readonly ChatMessage[]
  checkOrder(checked, fail)
  return checked
}

/** The messages up to the assistant's last, none if it says nothing; what is no list stays what it is. */
export function untilLastAnswer(messages: unknown): unknown {
  if (!Array.isArray(messages)) return messages
  const roleOf = (message: unknown) => (message as { role?: unknown } | null)?.role
  return messages.slice(0, messages.findLastIndex((message) => roleOf(message) === 'assistant') + 1)
}

function checkOrder(
  messages: readonly ChatMessage[],
  fail: (at: string, details: { expected: string; received: string; remedy: string }) => DataError,
): void {
  let before: ChatMessage | undefined
  for (const [index, message] of messages.entries()) {
    const expected = expectedAfter(before, message)
    if (!expected.includes(message.role)) {
      throw fail(`, messages[${index}].role`, {
        expected: `${expected.join(' or ')}: user and assistant take turns`,
        received: `'${message.role}'`,
        remedy: 'Join messages of one speaker, or leave the dialogue out.',
      })
    }
    before = message
  }
  if (before?.role === 'assistant') return
  throw fail('', {
    expected: 'a dialogue that ends with the assistant, from whom is learned',
    received: `one that ends with the ${String(before?.role)}`,
    remedy: "Leave its last message out, or pass { unfinished: 'drop' }.",
  })
}

/** The roles that may come behind a message. */
function expectedAfter(before: ChatMessage | undefined, { role }: ChatMessage): readonly string[] {
  if (before === undefined || before.role === 'system' || before.role === 'developer')
    return ['system', 'developer'].includes(role) ? [role] : ['user']
  if (before.role === 'user') return ['assistant']
  if (before.role === 'tool') return ['assistant', 'tool']
  return before.tool_calls === undefined ? ['user'] : ['tool']
}

/** Whether a content is no text, or holds none. */
function isBlank(content: unknown): boolean {
  if (typeof content === 'string') return content.trim() === ''
  if (!Array.isArray(content)) return true
  return content.every((part: { text?: unknown } | null) => {
    const text = part?.text
    return typeof text !== 'string' || text.trim() === ''
  })
}

const printed = (value: unknown): string =>
  value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60)
