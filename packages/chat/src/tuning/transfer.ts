import {
  type Base,
  runTask,
  type TransferDataset,
  type TransferOptions,
  transferWriting,
} from '@tfx/transfer'
import { preferenceTask } from '../preferences/preference-task'
import { chatHead } from './chat-head'
import type { ChatOptions } from './chat-options'
import type { TunedChatModel } from './tuned-model'

/**
 * Fine-tunes a decoder on dialogues, on plain texts, or on preferences.
 *
 * @param base A hub id such as `HuggingFaceTB/SmolLM2-135M-Instruct`, a directory, an installed npm package such as
 *   `@tfx/base-decoder`, a model that was just trained, or `{ config, tokenizer }` to start from random weights.
 * @param dataset Rows with `messages` (OpenAI's form), `conversations` (ShareGPT's), `prompt` and `completion`,
 *   `instruction`, `input` and `output` (Alpaca's), or `text`; with `{ method: 'dpo' }`, rows with `prompt`, `chosen` and
 *   `rejected`. A path of a .jsonl, .json, .csv, .tsv or .txt file, an array, an (async) iterable, or `{ train, validation }`
 *   of those.
 * @param options Settings; defaults are those of Hugging Face's Trainer.
 * @throws DataError on what is no dialogue to learn from: one that does not alternate or ends with the user, an unknown
 *   role, an empty message, one that is too long; ArgumentError, CheckpointError, NetworkError, TrainingError,
 *   TrainingAbortedError
 *
 * @example
 * ```ts
 * const bot = await transfer('@tfx/base-decoder', 'dialogues.jsonl', { epochs: 3 })
 * for await (const text of bot.chat([{ role: 'user', content: 'Hello!' }])) process.stdout.write(text)
 * await bot.save('./my-bot')
 * ```
 */
export async function transfer(
  base: Base,
  dataset: TransferDataset,
  options: ChatOptions & TransferOptions = {},
): Promise<TunedChatModel> {
  const head = chatHead({ source: `${typeof base === 'string' ? base : 'a model'}, tuned` })
  const source = { base, dataset }
  return options.method === 'dpo'
    ? runTask(preferenceTask(head), source, options)
    : transferWriting(head, source, options)
}
