import type { Tokenizer } from '@tfx/core'
import type { ChatMessage } from './messages'

/** Stands in until the template of the chat branch is there. */
export function renderChatMl(tokenizer: Tokenizer, messages: readonly ChatMessage[]): number[] {
  const text = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('')
  return tokenizer.encode(`${text}<|im_start|>assistant\n`, undefined, { maxLength: Infinity }).inputIds
}
