import { DataError } from '@tfx/common'
import type { Tokenizer } from '@tfx/core'

/**
 * Joins token sequences one behind the other and cuts them into blocks, as language models are pretrained: no padding,
 * whatever the lengths of the texts. A text may begin in one block and end in the next.
 *
 * @param length Tokens in a block; the last may have fewer.
 *
 * @example
 * ```ts
 * [...packBlocks([[1, 2], [3, 4, 5]], 3)] // [[1, 2, 3], [4, 5]]
 * ```
 */
export function* packBlocks(sequences: Iterable<Iterable<number>>, length: number): Generator<Int32Array> {
  let block = new Int32Array(length)
  let filled = 0
  for (const sequence of sequences) {
    for (const token of sequence) {
      block[filled++] = token
      if (filled < length) continue
      yield block
      block = new Int32Array(length)
      filled = 0
    }
  }
  if (filled > 0) yield block.slice(0, filled)
}

/**
 * The tokens of each text that is not blank, whole, closed by the token that ends a text.
 *
 * @throws DataError if all are blank.
 */
export function encodeWhole<Name extends 'texts' | 'heldOut'>(
  texts: Readonly<Record<Name, readonly string[]>>,
  argument: Name,
  { tokenizer, end }: { tokenizer: Tokenizer; end: number },
): Int32Array[] {
  const written = texts[argument].filter((text) => text.trim() !== '')
  if (written.length === 0) {
    throw new DataError({
      function: 'pretrain',
      argument,
      expected: 'texts with words in them',
      received: 'only blank ones',
      remedy: 'Pass some sentences.',
    })
  }
  return tokenizer
    .encodeBatch(written, { maxLength: Infinity })
    .map(({ inputIds }) => Int32Array.from(inputIds.at(-1) === end ? inputIds : [...inputIds, end]))
}
