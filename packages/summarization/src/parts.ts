import { ArgumentError } from '@tfx/common'
import type { TokenizedText, Tokenizer } from '@tfx/core'
import { packSentences, splitSentences } from '@tfx/data'

/** What documents are read by. */
export interface Reader {
  readonly tokenizer: Tokenizer
  /** The most tokens that the model reads at once. */
  readonly maxLength: number
  /** What is put in front of every text. */
  readonly prefix: string
}

/** The tokens of a text with the prefix in front; `truncated` if it is longer than the model reads. */
export const encodeText = ({ tokenizer, maxLength, prefix }: Reader, text: string): TokenizedText =>
  tokenizer.encode(prefix + text, undefined, { maxLength })

/**
 * Cuts a document into parts that the model can read: as many whole sentences as fit, or all of it if that fits.
 *
 * @param argument The document's name in errors.
 * @throws ArgumentError if there would be more than `maxParts`, which is found without reading on.
 */
export function cutDocument(
  document: string,
  reader: Reader,
  { maxParts, argument }: { maxParts: number; argument: string },
): string[] {
  const parts: string[] = []
  for (const { text } of packSentences(splitSentences(document, { wrapped: true }), {
    maxTokens: roomFor(reader),
    countTokens: (text) => countTokens(reader, text),
  })) {
    if (parts.length >= maxParts) {
      throw new ArgumentError({
        function: 'summarize',
        argument,
        expected: `a document of at most ${maxParts} parts of ${reader.maxLength} tokens, which is what the model reads at once`,
        received: `one of ${document.length} characters`,
        remedy: "Raise { maxParts } if you have the time, or pass { longDocuments: 'beginning' }.",
      })
    }
    parts.push(text)
  }
  const [only = document] = parts
  if (parts.length > 1) return parts
  // As it is, with white space around it, so that every program reads the same.
  return [encodeText(reader, document).truncated ? only : document]
}

/** How many tokens of text fit beside the prefix and the special tokens. */
export function roomFor(reader: Reader): number {
  // The last token of the prefix and the first of the text may be cut otherwise when they stand together.
  const room = reader.maxLength - specialTokens(reader) - countTokens(reader, reader.prefix) - 1
  if (room >= leastRoom) return room
  throw new ArgumentError({
    function: 'summarize',
    argument: 'maxLength',
    expected: `so long that ${leastRoom} tokens fit beside the prefix`,
    received: `${reader.maxLength} tokens, and the prefix ${JSON.stringify(reader.prefix)}`,
    remedy: 'Load the model with a larger maxLength, or train it with { prefix: "" }.',
  })
}

/** With fewer, parts are no texts. */
const leastRoom = 8

const specialTokens = ({ tokenizer }: Reader) => tokenizer.encode('').inputIds.length

const countTokens = (reader: Reader, text: string) =>
  reader.tokenizer.encode(text, undefined, { maxLength: Infinity }).inputIds.length - specialTokens(reader)
