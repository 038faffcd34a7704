import { ArgumentError, CheckpointError } from '@tfx/common'
import type { GenerationConfig, PromptCache, Tokenizer } from '@tfx/core'
import type { StreamOptions } from '@tfx/transfer'
import type { ChatTemplate } from '../template/chat-template'
import type { ChatMessage } from '../template/messages'
import { checkMessages } from './check-messages'
import { createReplyCaches, type ReplyCache } from './reply-cache'
import { createStopWatch } from './stop-strings'
import { createTextPieces } from './text-pieces'
import { checkWriteOptions, settingsOf, stopStrings, type WriteOptions } from './write-options'

/** A decoder that talks. */
export interface ChatModel {
  /** Where it came from, for people. */
  readonly source: string
  /** The most tokens that the model looks at: those that it reads and those that it writes. */
  readonly contextLength: number
  /** Whether it has a chat template; without one it only generates. */
  readonly hasTemplate: boolean
  /**
   * Answers the last message, in pieces of text as they are written. Ending the loop ends the writing; several replies may
   * be under way at a time, and are written together: one step computes the next token of each.
   *
   * @throws ArgumentError on messages that are none or leave no room for a reply, and on an adapter that there is not; CheckpointError if the model has no
   *   template, or a broken one; AbortedError when the signal fires.
   *
   * @example
   * ```ts
   * const messages = [{ role: 'user', content: 'Hello!' }] as const
   * for await (const text of model.chat(messages, { maxNewTokens: 100 })) process.stdout.write(text)
   * ```
   */
  chat(messages: readonly ChatMessage[], options?: WriteOptions): AsyncGenerator<string, void, undefined>
  /** Continues a text, as {@link chat} answers messages. */
  generate(text: string, options?: WriteOptions): AsyncGenerator<string, void, undefined>
  /** How many tokens the model reads when it is to answer these messages. */
  countTokens(messages: readonly ChatMessage[]): Promise<number>
  /**
   * Opens a cache of keys and values for `chat` and `generate`: of a prompt that begins as a text before it, only the rest is
   * read, and the reply is the same. Absent: the model keeps nothing.
   *
   * @param options `texts`: how many texts, each a prompt with its reply, are kept at most. Default 1.
   * @throws ArgumentError if `texts` is no whole number of at least 1.
   *
   * @example
   * ```ts
   * const cache = await model.openCache?.()
   * for await (const text of model.chat(messages, { cache })) process.stdout.write(text)
   * await cache?.dispose()
   * ```
   */
  openCache?(options?: { readonly texts?: number }): Promise<ReplyCache>
  /** Frees the weights. The model cannot be used afterwards. */
  dispose(): Promise<void>
}

/** What a {@link ChatModel} is made of. */
export interface ChatModelParts {
  readonly source: string
  readonly tokenizer: Pick<Tokenizer, 'encode' | 'decode'>
  /** Continues a prompt, token by token. */
  readonly stream: (prompt: readonly number[], options: StreamOptions) => AsyncIterable<number>
  readonly contextLength: number
  /** What generation_config.json says. */
  readonly generation: Partial<GenerationConfig>
  /** How messages are written. Absent if the model has no chat template. */
  readonly template?: Pick<ChatTemplate, 'encode'> | undefined
  /** Frees what the parts hold. */
  dispose(): Promise<void>
}

/** Puts a model together. */
export function createChatModel(parts: ChatModelParts): ChatModel {
  const { source, contextLength, template, tokenizer } = parts
  const caches = createReplyCaches()
  const promptOf = async (
    messages: readonly ChatMessage[],
    { caller, signal }: { readonly caller: string; readonly signal?: AbortSignal | undefined },
  ) => {
    checkMessages(messages, caller)
    if (template === undefined) throw withoutTemplate(source, caller)
    return (await template.encode(messages, { addGenerationPrompt: true, signal })).inputIds
  }
  return {
    source,
    contextLength,
    hasTemplate: template !== undefined,
    async *chat(messages, options = {}) {
      checkWriteOptions(options, 'chat')
      const kept = caches.of(options.cache, 'chat')
      const prompt = await promptOf(messages, { caller: 'chat', signal: options.signal })
      yield* write(parts, prompt, { ...options, kept, caller: 'chat' })
    },
    async *generate(text, options = {}) {
      checkWriteOptions(options, 'generate')
      checkText(text)
      const kept = caches.of(options.cache, 'generate')
      const { inputIds } = tokenizer.encode(text, undefined, { maxLength: Infinity })
      yield* write(parts, inputIds, { ...options, kept, caller: 'generate' })
    },
    countTokens: async (messages) => (await promptOf(messages, { caller: 'countTokens' })).length,
    openCache: async (options) => caches.open(options),
    dispose: () => parts.dispose(),
  }
}

/** Continues tokens until an end token, a stop string, or for want of room. */
async function* write(
  { stream, tokenizer, generation, contextLength }: ChatModelParts,
  prompt: readonly number[],
  { caller, kept, ...options }: WriteOptions & { readonly caller: string; kept: PromptCache | undefined },
): AsyncGenerator<string, void, undefined> {
  const room = contextLength - prompt.length
  if (room < 1) throw noRoom(prompt.length, { contextLength, caller })
  const maxNewTokens = Math.min(options.maxNewTokens ?? generation.maxNewTokens ?? 512, room)
  let cachedTokens = 0
  const onPrompt: StreamOptions['onPrompt'] = ({ knownTokens }) => void (cachedTokens = knownTokens)
  const { adapter } = options
  const how = { adapter, maxNewTokens, cache: kept, shared: true, onPrompt }
  const settings: StreamOptions = { ...settingsOf(options, generation), ...how }
  const ownStops = generation.stopStrings ?? []
  const pieces = createTextPieces((tokens) => tokenizer.decode(tokens))
  const watch = createStopWatch([...stopStrings({ stop: ownStops }), ...stopStrings(options)])
  const endTokens = new Set(generation.eosTokenIds)
  let [completionTokens, hasEnded] = [0, false]
  for await (const token of stream(prompt, settings)) {
    completionTokens++
    hasEnded = endTokens.has(token)
    if (hasEnded) break
    const text = watch.push(pieces.push(token))
    if (text !== '') yield text
    if (watch.stopped) break
  }
  const rest = watch.push(pieces.end()) + watch.end()
  if (rest !== '') yield rest
  options.onEnd?.({
    finish: hasEnded || watch.stopped ? 'stop' : 'length',
    promptTokens: prompt.length,
    cachedTokens,
    completionTokens,
  })
}

function noRoom(
  length: number,
  { contextLength, caller }: { readonly contextLength: number; readonly caller: string },
): ArgumentError {
  return new ArgumentError({
    function: caller,
    argument: caller === 'chat' ? 'messages' : 'text',
    expected: `fewer tokens than the ${contextLength} of the model's context`,
    received: `${length}`,
    remedy: 'Shorten it, or leave the oldest messages out as a ChatSession does.',
  })
}

/** @throws ArgumentError */
function checkText(text: unknown): void {
  if (typeof text === 'string') return
  throw new ArgumentError({
    function: 'generate',
    argument: 'text',
    expected: 'a string',
    received: typeof text,
    remedy: 'For messages there is chat.',
  })
}

const withoutTemplate = (source: string, caller: string) =>
  new CheckpointError({
    function: caller,
    argument: 'model',
    expected: 'one with a chat template',
    received: `${source}, which has none`,
    remedy: 'Use generate, or tune it on dialogues first: transfer(base, dialogues).',
  })
