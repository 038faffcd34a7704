import type { ChatMessage } from '../template/messages'

/** A dialogue to learn the assistant's part of. */
export interface DialogueExample {
  readonly messages: readonly ChatMessage[]
}

/** A text to learn as a whole. */
export interface TextExample {
  readonly text: string
  /** Whether it goes on where the one before ended, as the parts of a file do. */
  readonly continues?: boolean
}

/** What a chat model learns from. */
export type ChatExample = DialogueExample | TextExample

/** Tells texts from dialogues. */
export const isText = (example: ChatExample): example is TextExample => 'text' in example
