import { DataError } from '@tfx/common'
import type { Row } from '@tfx/data'
import type { ChatMessage } from '../template/messages'
import type { TextExample } from './chat-example'
import type { DialoguePlace } from './check-dialogue'

/** A form that rows may have. */
export interface RowForm {
  /** What it is called, for people. */
  readonly name: string
  /** The columns that it is known by. */
  readonly columns: readonly string[]
  /** The messages of a row, whatever they are. Rows without are texts. */
  readonly messages?: (row: Row) => unknown
}

/** The forms of rows, the most telling first. */
export const rowForms: readonly RowForm[] = [
  {
    name: 'dialogues',
    columns: ['messages'],
    messages: ({ messages }) => messages,
  },
  {
    name: 'ShareGPT dialogues',
    columns: ['conversations'],
    messages: ({ conversations, system }) => fromShareGpt(conversations, system),
  },
  {
    name: 'prompts with completions',
    columns: ['prompt', 'completion'],
    messages: ({ prompt, completion }) => [...turns(prompt, 'user'), ...turns(completion, 'assistant')],
  },
  {
    name: 'instructions',
    columns: ['instruction', 'output'],
    messages: ({ instruction, input, output, system }) => [
      ...(isFilled(system) ? [{ role: 'system', content: system }] : []),
      {
        role: 'user',
        content: isFilled(instruction) && isFilled(input) ? `${instruction}\n\n${input}` : instruction,
      },
      { role: 'assistant', content: output },
    ],
  },
  {
    name: 'texts',
    columns: ['text'],
  },
]

/** @throws DataError on a row without text. */
export function readText({ text }: Row, { caller, place }: DialoguePlace): TextExample {
  if (isFilled(text)) return { text }
  throw new DataError({
    function: caller,
    argument: `${place}, text`,
    expected: 'a text',
    received: text === '' ? 'an empty one' : typeof text,
    remedy: 'Leave the row out.',
  })
}

/** A text is one turn; a list is one of messages already. */
export const turns = (given: unknown, role: ChatMessage['role']): unknown[] =>
  Array.isArray(given) ? (given as unknown[]) : [{ role, content: given }]

const isFilled = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

/** What ShareGPT calls the speakers. */
const shareGptRoles: Readonly<Record<string, ChatMessage['role']>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  chatgpt: 'assistant',
  model: 'assistant',
  system: 'system',
  tool: 'tool',
  observation: 'tool',
}

function fromShareGpt(conversations: unknown, system: unknown): unknown {
  if (!Array.isArray(conversations)) return conversations
  const messages = (conversations as unknown[]).map((turn) => {
    const { from, value, role = from, content = value } = (turn ?? {}) as Record<string, unknown>
    return { role: shareGptRoles[String(role)] ?? role, content }
  })
  // An empty list stays one: a dialogue of instructions alone is none.
  return isFilled(system) && messages.length > 0
    ? [{ role: 'system', content: system }, ...messages]
    : messages
}

/** The form of rows by the columns of the first. @throws DataError if it has none. */
export function formOf(row: Row, { caller, place }: DialoguePlace): RowForm {
  const form = rowForms.find(({ columns }) => columns.every((column) => row[column] !== undefined))
  if (form) return form
  throw new DataError({
    function: caller,
    argument: place,
    expected: `a row with ${rowForms.map(({ columns }) => columns.join(' and ')).join(', or ')}`,
    received: Object.keys(row).join(', ') || 'an empty row',
    remedy:
      "Rename the columns; a dialogue is { messages: [{ role: 'user', content }, { role: 'assistant', content }] }.",
  })
}
