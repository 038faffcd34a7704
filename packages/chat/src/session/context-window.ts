import { ArgumentError } from '@tfx/common'
import type { ChatMessage } from '../template/messages'

/** A dialogue and the room that there is for it. */
export interface Dialogue {
  readonly system: string | undefined
  /** From the user's first message to the one that is to be answered. */
  readonly messages: readonly ChatMessage[]
  /** Messages that were left out before: they stay out. */
  readonly forgotten: number
  readonly contextLength: number
  /** Tokens to keep free for the reply, if the last turn leaves them. */
  readonly reserve: number
  countTokens(messages: readonly ChatMessage[]): Promise<number>
}

/** What the model is to read of a dialogue. */
export interface ContextWindow {
  readonly messages: readonly ChatMessage[]
  /** How many of the oldest messages are left out. */
  readonly forgotten: number
}

/**
 * Leaves out the oldest turns, each a question with its answer, until the rest fits. The system prompt always stays.
 *
 * @throws ArgumentError if the system prompt and the last turn alone do not fit.
 */
export async function fitContext(dialogue: Dialogue): Promise<ContextWindow> {
  const { system, messages, contextLength, reserve } = dialogue
  const read = (forgotten: number): ChatMessage[] => [
    ...(system === undefined ? [] : [{ role: 'system', content: system } as const]),
    ...messages.slice(forgotten),
  ]
  const turns = messages.flatMap(({ role }, index) => (role === 'user' ? [index] : []))
  const last = turns.at(-1)!
  for (const forgotten of turns.filter((turn) => turn >= dialogue.forgotten)) {
    const window = read(forgotten)
    const tokens = await dialogue.countTokens(window)
    if (tokens + reserve <= contextLength) return { messages: window, forgotten }
    if (forgotten < last) continue
    if (tokens < contextLength) return { messages: window, forgotten }
    throw new ArgumentError({
      function: 'send',
      argument: 'text',
      expected: `fewer tokens, with the system prompt, than the ${contextLength} of the model's context`,
      received: String(tokens),
      remedy: 'Shorten the message or the system prompt; older turns are left out already.',
    })
  }
  throw new Error('unreachable: the last turn is always tried')
}
