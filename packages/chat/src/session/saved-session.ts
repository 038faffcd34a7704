import { DataError } from '@tfx/common'
import type { ChatMessage } from '../template/messages'

/** A session as JSON. */
export interface SavedChatSession {
  readonly version: 1
  readonly system?: string
  readonly messages: readonly ChatMessage[]
  /** How many of the oldest messages the model no longer reads. */
  readonly forgotten: number
  /** Replies that were begun, which decide the draws of the next. */
  readonly replies: number
}

/** @throws DataError unless it is what `toJSON` of a session gave. */
export function readSavedSession(json: unknown): SavedChatSession {
  if (typeof json !== 'object' || json === null) throw malformed('saved', 'an object', typeof json)
  const { version, system, messages, forgotten, replies } = json as Record<string, unknown>
  if (version !== 1) throw malformed('version', '1', printed(version))
  if (system !== undefined && typeof system !== 'string') throw malformed('system', 'a text', typeof system)
  if (!Array.isArray(messages)) throw malformed('messages', 'a list', typeof messages)
  const dialogue = messages.map((message: unknown, index): ChatMessage => {
    const { role, content } = (message ?? {}) as Record<string, unknown>
    const expected = index % 2 === 0 ? 'user' : 'assistant'
    if (role === expected && typeof content === 'string') return { role: expected, content }
    throw malformed(`messages[${index}]`, `a text of the ${expected}`, printed(message).slice(0, 100))
  })
  if (dialogue.length % 2 === 1) throw malformed('messages', 'turns with a reply each', 'one without')
  if (!isCount(forgotten) || forgotten > dialogue.length || forgotten % 2 === 1)
    throw malformed('forgotten', 'a number of messages of whole turns', printed(forgotten))
  if (!isCount(replies)) throw malformed('replies', 'a number', printed(replies))
  return { version, messages: dialogue, forgotten, replies, ...(system !== undefined && { system }) }
}

const printed = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const malformed = (argument: string, expected: string, received: string) =>
  new DataError({
    function: 'restoreChatSession',
    argument,
    expected,
    received,
    remedy: 'Pass what JSON.stringify made of a session, unchanged.',
  })
