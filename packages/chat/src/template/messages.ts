/** Who speaks. `developer` and `tool` are for templates that know them. */
export type ChatRole = 'system' | 'developer' | 'user' | 'assistant' | 'tool'

/** The roles that a message may have. */
export const chatRoles: readonly ChatRole[] = ['system', 'developer', 'user', 'assistant', 'tool']

/** A part of a message; templates of text models know text alone. */
export interface ChatContentPart {
  readonly type: string
  readonly text?: string
}

/** One turn of a dialogue, as Hugging Face and OpenAI write it. */
export interface ChatMessage {
  readonly role: ChatRole
  readonly content?: string | readonly ChatContentPart[] | null
  /** What else a template may read: `name`, `tool_calls`, `reasoning_content`, … */
  readonly [field: string]: unknown
}
