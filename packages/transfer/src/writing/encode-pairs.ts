import type { Tokenizer } from '@tfx/core'
import { encodeColumn, type EncodeOptions, type KeepTokensOptions } from '../encode'
import type { WritingEncoding } from './writing-head'

/** Options of {@link encodePairs}. */
export interface EncodePairsOptions extends Omit<EncodeOptions, 'argument'> {
  readonly options: KeepTokensOptions
  /** Of the targets, where they have a vocabulary of their own. Default: that of the texts. */
  readonly targetTokenizer?: Tokenizer
  /** The most tokens of a target. Default: `maxLength`. */
  readonly maxTargetLength?: number
  /** What is put in front of every text, for instance `summarize: `. Default: nothing. */
  readonly prefix?: string
}

/**
 * Tokenizes texts for an encoder and their targets for a decoder.
 *
 * @throws DataError if a text or a target is too long and may not be cut; AbortedError if the signal fires.
 */
export async function encodePairs<Example extends { readonly text: string; readonly target: string }>(
  examples: readonly Example[],
  { options, targetTokenizer, maxTargetLength, prefix = '', ...sources }: EncodePairsOptions,
): Promise<WritingEncoding<Example>[]> {
  const texts = examples.map(({ text }) => prefix + text)
  const targets = {
    ...sources,
    tokenizer: targetTokenizer ?? sources.tokenizer,
    maxLength: maxTargetLength ?? sources.maxLength,
    argument: 'target',
  }
  const encodings = await encodeColumn(texts, { ...sources, ...options })
  const labels = await encodeColumn(
    examples.map(({ target }) => target),
    { ...targets, ...options },
  )
  return examples.map((example, index) => ({
    example,
    encoding: encodings[index]!,
    labels: labels[index]!.inputIds,
  }))
}
