import { ArgumentError } from '@tfx/common'
import { createPromptCache, type PromptCache } from '@tfx/core'

/** Keys and values of the last texts of a {@link ChatModel}, to be given to its replies. */
export interface ReplyCache {
  /** Frees them. The cache cannot be used afterwards. */
  dispose(): Promise<void>
}

/** The caches that a model has opened. What is in them stays in the model's thread. */
export interface ReplyCaches {
  open(options?: { readonly texts?: number }): ReplyCache
  /**
   * What a cache holds.
   *
   * @throws ArgumentError unless it was opened here, and is not disposed of.
   */
  of(cache: ReplyCache | undefined, caller: string): PromptCache | undefined
}

export function createReplyCaches(): ReplyCaches {
  const opened = new WeakMap<ReplyCache, PromptCache>()
  return {
    open(options) {
      const prompts = createPromptCache(options)
      const cache: ReplyCache = {
        dispose() {
          opened.delete(cache)
          prompts.clear()
          return Promise.resolve()
        },
      }
      opened.set(cache, prompts)
      return cache
    },
    of(cache, caller) {
      if (cache === undefined) return undefined
      const prompts = opened.get(cache)
      if (prompts) return prompts
      throw new ArgumentError({
        function: caller,
        argument: 'cache',
        expected: 'one that openCache of this model gave, and that is not disposed of',
        received: 'another',
        remedy: 'Open one: await model.openCache().',
      })
    },
  }
}
