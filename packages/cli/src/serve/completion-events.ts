import { randomUUID } from 'node:crypto'
import type { WrittenText } from '@tfx/chat'

/** The messages that a reply is sent in, as OpenAI's API has them. */
export interface CompletionEvents {
  /** The whole reply at once. */
  whole(content: string, end: WrittenText): object
  /** The first event of a stream. */
  first(): object
  piece(content: string): object
  last(end: WrittenText): object
  /** How many tokens there were, behind the last. */
  usage(end: WrittenText): object
}

/** @param model The name that the client asked for. */
export function createCompletionEvents(model: string): CompletionEvents {
  const common = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model }
  const chunk = (delta: object, finish: WrittenText['finish'] | null = null) => ({
    ...common,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  })
  return {
    whole: (content, end) => ({
      ...common,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content, refusal: null },
          logprobs: null,
          finish_reason: end.finish,
        },
      ],
      usage: usageOf(end),
    }),
    first: () => chunk({ role: 'assistant', content: '' }),
    piece: (content) => chunk({ content }),
    last: ({ finish }) => chunk({}, finish),
    usage: (end) => ({ ...common, object: 'chat.completion.chunk', choices: [], usage: usageOf(end) }),
  }
}

const usageOf = ({ promptTokens, cachedTokens = 0, completionTokens }: WrittenText) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
  prompt_tokens_details: { cached_tokens: cachedTokens },
})
