import { ArgumentError } from '@tfx/common'
import type { Tokenizer } from '@tfx/core'
import type { MaskingVocabulary } from './masking'

/**
 * What masking must know, read from the tokenizer.
 *
 * @throws ArgumentError if the tokenizer has no mask token.
 */
export function maskingVocabulary(tokenizer: Tokenizer, vocabSize: number): MaskingVocabulary {
  if (tokenizer.maskTokenId === undefined) {
    throw new ArgumentError({
      function: 'pretrain',
      argument: 'tokenizer',
      expected: 'one with a mask token',
      received: 'one without',
      remedy: 'Use the tokenizer of a masked language model, such as one with [MASK].',
    })
  }
  const continuationIds = new Set<number>()
  for (const [token, id] of tokenizer.vocabulary()) if (token.startsWith('##')) continuationIds.add(id)
  return {
    vocabSize,
    maskTokenId: tokenizer.maskTokenId,
    specialTokenIds: new Set(tokenizer.specialTokenIds),
    continuationIds,
  }
}
