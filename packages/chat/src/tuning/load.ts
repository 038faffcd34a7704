import { ArgumentError, throwIfAborted } from '@tfx/common'
import { inThread, loadWriter, type LoadOptions as LoadWriterOptions } from '@tfx/transfer'
import { chatThread } from '../thread-address'
import { chatHead } from './chat-head'
import type { TunedChatModel } from './tuned-model'

/** Options of {@link load}. */
export interface LoadOptions extends Omit<LoadWriterOptions, 'labels'> {
  /** A chat template in Jinja, or the name of one of the tokenizer's or of `chatTemplates`. Default: the tokenizer's, if it has one. */
  chatTemplate?: string
}

/**
 * Loads a decoder to talk to: one that `save` wrote, or any other; from a directory, a GGUF file, an npm package, or the
 * hub.
 *
 * @throws CheckpointError if it is no language model; NetworkError if the hub cannot be reached; AbortedError on `signal`.
 *
 * @example
 * ```ts
 * const bot = await load('./my-bot')
 * for await (const text of bot.chat([{ role: 'user', content: 'Hello!' }])) process.stdout.write(text)
 * await bot.dispose()
 * ```
 */
export async function load(
  source: string,
  { thread = false, chatTemplate, ...options }: LoadOptions = {},
): Promise<TunedChatModel> {
  throwIfAborted(options.signal, 'load')
  checkTemplate(chatTemplate)
  if (!thread) return loadWriter(chatHead({ source, chatTemplate }), source, options)
  const values = [source, { ...options, ...(chatTemplate !== undefined && { chatTemplate }) }]
  return (await inThread(chatThread, {
    method: 'load',
    values,
    names: ['source', 'options'],
  })) as TunedChatModel
}

/** @throws ArgumentError */
function checkTemplate(chatTemplate: unknown): void {
  if (chatTemplate === undefined || typeof chatTemplate === 'string') return
  throw new ArgumentError({
    function: 'load',
    argument: 'chatTemplate',
    expected: 'a Jinja template, or the name of one',
    received: typeof chatTemplate,
    remedy: 'Leave it out to use the one of the tokenizer.',
  })
}
