import { throwIfAborted } from '@tfx/common'
import { readRows, type RowSource } from '@tfx/data'
import type { ReadExamples } from '@tfx/transfer'
import type { ChatMessage } from '../template/messages'
import type { ChatExample } from './chat-example'
import { checkDialogue, untilLastAnswer } from './check-dialogue'
import { formOf, readText, type RowForm } from './from-row'
import { isTextFile, readTextFile } from './read-text-file'

/** Options of {@link readExamples}. */
export interface ReadExamplesOptions {
  /** Instructions for dialogues that begin without. Default: none. */
  readonly systemPrompt?: string | undefined
  /** See `ChatOptions`. Default `error`. */
  readonly unfinished?: 'error' | 'drop' | undefined
  readonly signal?: AbortSignal | undefined
  /** The public function to name in errors. */
  readonly caller: string
}

/**
 * Reads dialogues or texts to learn from: rows with `messages` (OpenAI's form), `conversations` (ShareGPT's), `prompt` and
 * `completion`, `instruction`, `input` and `output` (Alpaca's), or `text`; or a .txt file. The first row decides which.
 *
 * @throws DataError on a row that is of another form, or no dialogue to learn from.
 */
export async function readExamples(
  dataset: RowSource,
  { systemPrompt, unfinished, signal, caller }: ReadExamplesOptions,
): Promise<ReadExamples<ChatExample>> {
  throwIfAborted(signal, caller)
  if (isTextFile(dataset)) return { examples: await readTextFile(dataset, caller), notes: [] }
  const rows = readRows(dataset, signal ? { signal } : {})
  const examples: ChatExample[] = []
  let form: RowForm | undefined
  for await (const { row, location } of rows.located()) {
    const place = { caller, place: `${rows.name}, ${location}` }
    form ??= formOf(row, place)
    if (form.messages === undefined) {
      examples.push(readText(row, place))
      continue
    }
    const given = form.messages(row)
    const messages = unfinished === 'drop' ? untilLastAnswer(given) : given
    // Nothing is to be learned from a dialogue without an answer.
    if (unfinished === 'drop' && isEmpty(messages)) continue
    examples.push({ messages: withSystemPrompt(checkDialogue(messages, place), systemPrompt) })
  }
  return { examples, notes: form ? [`Read as ${form.name}.`] : [] }
}

const isEmpty = (messages: unknown) => Array.isArray(messages) && messages.length === 0

function withSystemPrompt(
  messages: readonly ChatMessage[],
  systemPrompt: string | undefined,
): readonly ChatMessage[] {
  if (systemPrompt === undefined || ['system', 'developer'].includes(messages[0]!.role)) return messages
  return [{ role: 'system', content: systemPrompt }, ...messages]
}
