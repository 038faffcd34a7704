import { ArgumentError, mixSeed } from '@tfx/common'
import type { ChatModel } from '../chat-model/chat-model'
import type { ChatMessage } from '../template/messages'
import type { ReplyCache } from '../chat-model/reply-cache'
import type { WriteOptions } from '../chat-model/write-options'
import { fitContext } from './context-window'
import { readSavedSession, type SavedChatSession } from './saved-session'

/** How a session talks; what it says of writing holds for every reply that is not asked for otherwise. */
export interface ChatSessionOptions extends Omit<WriteOptions, 'signal' | 'cache' | 'onEnd'> {
  /** What the model is told before the dialogue. Default: nothing. */
  readonly system?: string
  /** Told when older turns are left out for want of room: how many messages the model does not read any more. */
  readonly onForget?: (forgotten: number) => void
}

/**
 * A dialogue with a model, which remembers what was said. Keys and values of what the model has read last stay between
 * replies, where it can keep them: it reads only what is new, and {@link ChatSession.dispose} frees them.
 */
export interface ChatSession {
  /** Everything that was said, also what the model does not read any more; without the system prompt. */
  readonly messages: readonly ChatMessage[]
  /** How many of the oldest messages the model does not read any more. */
  readonly forgotten: number
  readonly system: string | undefined
  /**
   * Says something and gives the reply in pieces. When the dialogue outgrows the model's context, the oldest turns are left
   * out, a question with its answer each; the system prompt stays.
   *
   * A reply that is broken off stays in the history as far as it came; if nothing came, neither does the message.
   *
   * @throws ArgumentError if the message alone is too long, or while another reply is under way; else as `chat`.
   */
  send(text: string, options?: WriteOptions): AsyncGenerator<string, void, undefined>
  /**
   * Replaces the last reply by another. It is another only where tokens are drawn, by a `temperature` for instance.
   *
   * @throws ArgumentError if there is none; else as {@link send}.
   */
  regenerate(options?: WriteOptions): AsyncGenerator<string, void, undefined>
  /** Changes the system prompt; the dialogue goes on. */
  setSystem(system: string | undefined): void
  /** Forgets the dialogue, with its keys and values; the system prompt stays. */
  reset(): void
  /** Frees the keys and values. The dialogue may go on: its next reply reads all of it. */
  dispose(): Promise<void>
  /** For JSON.stringify; {@link restoreChatSession} takes it. */
  toJSON(): SavedChatSession
}

/**
 * Begins a dialogue.
 *
 * @example
 * ```ts
 * const session = createChatSession(await load('./my-model'), { system: 'Answer in one sentence.' })
 * for await (const text of session.send('Why is the sky blue?')) process.stdout.write(text)
 * await writeFile('dialogue.json', JSON.stringify(session))
 * ```
 */
export function createChatSession(model: ChatModel, options: ChatSessionOptions = {}): ChatSession {
  const { system } = options
  const state = { version: 1, messages: [], forgotten: 0, replies: 0 } as const
  return openSession(model, { ...state, ...(system !== undefined && { system }) }, options)
}

/**
 * Goes on with a dialogue that was saved; with the same model, options and messages it gives the same replies.
 *
 * @param saved What `JSON.parse` gave of a saved session.
 * @param options As in {@link createChatSession}; `system` goes before what was saved.
 * @throws DataError if it is no session.
 */
export function restoreChatSession(
  model: ChatModel,
  saved: unknown,
  options: ChatSessionOptions = {},
): ChatSession {
  const { system } = options
  return openSession(model, { ...readSavedSession(saved), ...(system !== undefined && { system }) }, options)
}

function openSession(
  model: ChatModel,
  saved: SavedChatSession,
  { system: _, onForget, seed = 42, ...defaults }: ChatSessionOptions,
): ChatSession {
  let { system, messages, forgotten, replies } = { system: undefined, ...saved }
  let isBusy = false
  let cache: Promise<ReplyCache> | undefined

  async function release(): Promise<void> {
    const opened = cache
    cache = undefined
    await (await opened)?.dispose()
  }

  /** Answers the last of some messages, and makes them and the reply the history. */
  async function* reply(asked: readonly ChatMessage[], options: WriteOptions = {}) {
    if (isBusy) throw underWay()
    isBusy = true
    let [text, isWhole] = ['', false]
    try {
      cache ??= model.openCache?.()
      const settings = { seed: mixSeed(seed, replies++), cache: await cache, ...defaults, ...options }
      const { contextLength } = model
      const window = await fitContext({
        system,
        messages: asked,
        forgotten,
        contextLength,
        reserve: Math.min(settings.maxNewTokens ?? 512, contextLength >> 1),
        countTokens: (list) => model.countTokens(list),
      })
      if (window.forgotten > forgotten) onForget?.(window.forgotten)
      forgotten = window.forgotten
      for await (const piece of model.chat(window.messages, settings)) {
        text += piece
        yield piece
      }
      isWhole = true
    } finally {
      isBusy = false
      if (isWhole || text !== '') messages = [...asked, { role: 'assistant', content: text }]
    }
  }

  return {
    get messages() {
      return messages
    },
    get forgotten() {
      return forgotten
    },
    get system() {
      return system
    },
    async *send(text, options) {
      yield* reply([...messages, { role: 'user', content: text }], options)
    },
    async *regenerate(options) {
      if (messages.length === 0) throw nothingToReplace()
      yield* reply(messages.slice(0, -1), options)
    },
    setSystem(next) {
      system = next
      forgotten = 0
    },
    reset() {
      messages = []
      forgotten = 0
      // A model that is disposed of has nothing left to free.
      release().catch(() => undefined)
    },
    dispose: release,
    toJSON: () => ({
      version: 1,
      ...(system !== undefined && { system }),
      messages,
      forgotten,
      replies,
    }),
  }
}

const underWay = () =>
  new ArgumentError({
    function: 'send',
    argument: 'session',
    expected: 'one that is not answering',
    received: 'one with a reply under way',
    remedy: 'Read that reply to its end first, or abort it by its signal.',
  })

const nothingToReplace = () =>
  new ArgumentError({
    function: 'regenerate',
    argument: 'session',
    expected: 'one with a reply',
    received: 'one without',
    remedy: 'Say something first: session.send(text).',
  })
