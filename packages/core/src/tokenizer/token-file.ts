import { createHash } from 'node:crypto'
import type { TokenizedText } from './tokenizer'

/** Raised when the layout changes, or when the same tokenizer files give other tokens than before. */
const version = 1

/** The version, the number of texts, the number of tokens, and whether there are token types. */
const headerLength = 4

const digestBytes = 32

/**
 * Tokenized texts as the bytes of a file: a SHA-256 of the rest; int32 words: the header, the length of each text (doubled,
 * and one more where it was cut), the ids of all; then a byte for the type of each token, if there are types.
 *
 * @returns undefined if only some texts have token types, or a type needs more than a byte.
 */
export function packTokens(texts: readonly TokenizedText[]): Buffer | undefined {
  const hasTypes = texts.length > 0 && texts[0]!.tokenTypeIds !== undefined
  const tokens = texts.reduce((sum, { inputIds }) => sum + inputIds.length, 0)
  const words = headerLength + texts.length + tokens
  const bytes = Buffer.alloc(digestBytes + words * 4 + (hasTypes ? tokens : 0))
  const integers = new Int32Array(bytes.buffer, bytes.byteOffset + digestBytes, words)
  const types = bytes.subarray(digestBytes + words * 4)
  integers.set([version, texts.length, tokens, Number(hasTypes)])
  let place = headerLength + texts.length
  let typePlace = 0
  for (const [index, { inputIds, tokenTypeIds, truncated }] of texts.entries()) {
    if ((tokenTypeIds !== undefined) !== hasTypes) return undefined
    if (tokenTypeIds?.some((type) => type < 0 || type > 255) === true) return undefined
    integers[headerLength + index] = inputIds.length * 2 + Number(truncated)
    integers.set(inputIds, place)
    place += inputIds.length
    if (tokenTypeIds) types.set(tokenTypeIds, typePlace)
    typePlace += inputIds.length
  }
  digest(bytes).copy(bytes)
  return bytes
}

/** What {@link packTokens} packed; undefined if the bytes are damaged, or of another version. */
export function unpackTokens(bytes: Buffer): TokenizedText[] | undefined {
  if (bytes.length < digestBytes + headerLength * 4) return undefined
  if (!digest(bytes).equals(bytes.subarray(0, digestBytes))) return undefined
  const body = bytes.buffer.slice(bytes.byteOffset + digestBytes, bytes.byteOffset + bytes.length)
  const [fileVersion, count, tokens, hasTypes] = new Int32Array(body, 0, headerLength)
  if (fileVersion !== version || count === undefined || tokens === undefined) return undefined
  const lengths = new Int32Array(body, headerLength * 4, count)
  const ids = new Int32Array(body, (headerLength + count) * 4, tokens)
  const types = new Uint8Array(body, (headerLength + count + tokens) * 4)
  let start = 0
  return Array.from(lengths, (coded) => {
    const end = start + (coded >> 1)
    const text = {
      inputIds: Array.from(ids.subarray(start, end)),
      attentionMask: new Array<number>(end - start).fill(1),
      ...(hasTypes === 1 && { tokenTypeIds: Array.from(types.subarray(start, end)) }),
      truncated: (coded & 1) === 1,
    }
    start = end
    return text
  })
}

const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes.subarray(digestBytes)).digest()
