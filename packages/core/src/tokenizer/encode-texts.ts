import { setImmediate } from 'node:timers/promises'
import { join } from 'node:path'
import { throwIfAborted } from '@tfx/common'
import { defaultCacheDirectory } from '../base/cache-directory'
import { readTokens, type Texts, tokensKey, writeTokens } from './token-cache'
import type { TokenizedText, TokenizeOptions, Tokenizer } from './tokenizer'

/** Options of {@link encodeTexts}. */
export interface EncodeTextsOptions extends Pick<TokenizeOptions, 'maxLength'> {
  /** Keep the tokens of sets with so many characters on disk, and take them from there; Infinity for none. Default 2^20. */
  cacheFromCharacters?: number
  /** Where: in `tokens` below it, readable by this user only. Default: the environment variable TFX_CACHE, else `~/.cache/tfx`. */
  cacheDirectory?: string
  /** The tokens that were used longest ago are removed above this size. Default 1 GiB. */
  maxCacheBytes?: number
  signal?: AbortSignal
}

/** Texts between two turns of the event loop. */
const sliceSize = 256

/**
 * Encodes many texts as {@link Tokenizer.encodeBatch} does, without keeping the event loop from its other work. Where they
 * have a million characters or more, their tokens are kept in a file named by a hash of the texts, the tokenizer's files and
 * `maxLength`; the next run reads them. A damaged file is made again, and a disk that cannot be written to is no error.
 *
 * @param texts Texts or pairs of texts.
 * @returns One for each text, in their order.
 * @throws ArgumentError if `maxLength` leaves no room beside the special tokens, AbortedError if the signal fires.
 *
 * @example
 * ```ts
 * const encoded = await encodeTexts(tokenizer, texts, { maxLength: 128 })
 * ```
 */
export async function encodeTexts(
  tokenizer: Tokenizer,
  texts: Texts,
  options: EncodeTextsOptions = {},
): Promise<TokenizedText[]> {
  const {
    maxLength = tokenizer.maxLength,
    cacheFromCharacters = 2 ** 20,
    cacheDirectory = defaultCacheDirectory(),
    maxCacheBytes: maxBytes = 2 ** 30,
    signal,
  } = options
  throwIfAborted(signal, 'encodeTexts')
  // Without files nothing tells one tokenizer from another.
  const isKept = tokenizer.files.size > 0 && charactersOf(texts) >= cacheFromCharacters
  if (!isKept) return encodeInSlices(tokenizer, texts, { maxLength, signal })
  const cache = { directory: join(cacheDirectory, 'tokens'), maxBytes }
  const key = tokensKey(tokenizer, texts, maxLength)
  const known = await readTokens(cache, key)
  if (known) return known
  const encoded = await encodeInSlices(tokenizer, texts, { maxLength, signal })
  await writeTokens(cache, key, encoded)
  return encoded
}

function charactersOf(texts: Texts): number {
  return texts.reduce(
    (sum, text) => sum + (typeof text === 'string' ? text.length : text[0].length + text[1].length),
    0,
  )
}

async function encodeInSlices(
  tokenizer: Tokenizer,
  texts: Texts,
  { maxLength, signal }: { maxLength: number; signal: AbortSignal | undefined },
): Promise<TokenizedText[]> {
  const encoded: TokenizedText[] = []
  for (let start = 0; start < texts.length; start += sliceSize) {
    for (const text of tokenizer.encodeBatch(texts.slice(start, start + sliceSize), { maxLength })) {
      encoded.push(text)
    }
    await setImmediate()
    throwIfAborted(signal, 'encodeTexts')
  }
  return encoded
}
