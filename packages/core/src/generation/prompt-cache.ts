import { ArgumentError } from '@tfx/common'
import type { KeyValueCache } from './key-value-cache'

/** What of a prompt is known from a text before it, and where what is read of it now is to be kept. */
export interface PromptLease {
  /** Keys and values of the prompt's first `tokens` tokens, at least one less than it has; for nobody else to use. */
  readonly known?: { readonly tokens: number; readonly cache: KeyValueCache }
  /** Keeps a text that was read, with its keys and values, unless the {@link PromptCache} was cleared since. */
  keep(tokens: Int32Array, cache: KeyValueCache): void
}

/** Keys and values of the last texts that a model has read and written, for prompts that begin as they do. */
export interface PromptCache {
  /** How many texts are kept. Those that are being continued are not among them. */
  readonly texts: number
  /** How many tokens they have together. */
  readonly tokens: number
  /** Forgets all texts, and those that are being continued when they end. */
  clear(): void
  /**
   * For models: takes the text that shares the longest beginning with a prompt out of the cache.
   *
   * @param reader The model: keys and values are of no use to another.
   * @param accepts Whether keys and values of a text of so many tokens hold for the prompt. Default: those of any.
   */
  lend(reader: object, prompt: Int32Array, accepts?: (tokens: number) => boolean): PromptLease
}

interface KeptText {
  readonly reader: object
  readonly tokens: Int32Array
  readonly cache: KeyValueCache
}

/**
 * Keeps the keys and values of the texts that `generate` and `streamTokens` get it for, prompt and reply. Of a prompt that
 * begins as one of them, only the rest is read: a dialogue's next turn costs its new tokens. What is written is the same.
 *
 * A text belongs to whoever continues it: of two prompts at a time with one beginning, the second is read whole.
 *
 * @param options `texts`: how many texts are kept at most; who was used least lately goes. Default 1. A text takes
 *   2 · layers · key/value heads · head size · 4 bytes a token.
 * @throws ArgumentError if `texts` is no whole number of at least 1.
 *
 * @example
 * ```ts
 * const cache = createPromptCache()
 * for await (const token of streamTokens(model, prompt, { cache })) prompt.push(token)
 * prompt.push(...tokenizer.encode('And then?').inputIds)
 * for await (const token of streamTokens(model, prompt, { cache })) prompt.push(token) // reads the question alone
 * ```
 */
export function createPromptCache({ texts: limit = 1 }: { readonly texts?: number } = {}): PromptCache {
  if (!Number.isSafeInteger(limit) || limit < 1) throw wrongLimit(limit)
  // The newest first.
  let kept: KeptText[] = []
  let clears = 0

  function take(reader: object, prompt: Int32Array, accepts: (tokens: number) => boolean) {
    const usable = kept.filter((text) => text.reader === reader && accepts(text.tokens.length))
    let [best, tokens]: [KeptText | undefined, number] = [undefined, 0]
    for (const text of usable) {
      // The last token is always read: the scores of what follows come from it.
      const shared = Math.min(sharedLength(text.tokens, prompt), prompt.length - 1)
      if (shared > tokens) [best, tokens] = [text, shared]
    }
    if (!best) return undefined
    // Another dialogue that merely begins alike, by its system prompt for instance, stays for its own next turn.
    if (limit > 1 && 2 * tokens < best.tokens.length) return { tokens, cache: best.cache.copy(tokens) }
    kept = kept.filter((text) => text !== best)
    best.cache.truncate(tokens)
    return { tokens, cache: best.cache }
  }

  return {
    get texts() {
      return kept.length
    },
    get tokens() {
      return kept.reduce((sum, { tokens }) => sum + tokens.length, 0)
    },
    clear() {
      clears++
      kept = []
    },
    lend(reader, prompt, accepts = () => true) {
      const known = take(reader, prompt, accepts)
      const started = clears
      return {
        ...(known && { known }),
        keep(tokens, cache) {
          if (clears !== started) return
          const others = kept.filter(
            (text) => text.reader !== reader || sharedLength(text.tokens, tokens) < text.tokens.length,
          )
          kept = [{ reader, tokens, cache }, ...others].slice(0, limit)
        },
      }
    },
  }
}

/** How many tokens two texts have in common at their beginning. */
function sharedLength(left: Int32Array, right: Int32Array): number {
  const most = Math.min(left.length, right.length)
  let length = 0
  while (length < most && left[length] === right[length]) length++
  return length
}

const wrongLimit = (received: unknown) =>
  new ArgumentError({
    function: 'createPromptCache',
    argument: 'texts',
    expected: 'a whole number of at least 1',
    received: String(received),
    remedy: 'Leave the cache out to keep nothing.',
  })
