import { oneOf } from './combine'
import type { TextAugmentation } from './augmentation'
import { synonymInsertion, type SynonymOptions, synonymReplacement } from './synonyms'
import { wordDeletion, wordSwap } from './word-noise'

/**
 * Easy data augmentation: one of synonym replacement, synonym insertion, word swap and word deletion for each text, all
 * equally likely (https://arxiv.org/abs/1901.11196). Unlike its authors' code it leaves capitals, punctuation and
 * letters of other scripts as they are.
 *
 * @throws ArgumentError if `alpha` is not from 0 to 1.
 *
 * @example
 * ```ts
 * const augmentation = eda({ synonyms: await loadWordNet() })
 * await transfer('@tfx/base-encoder', 'reviews.csv', { augmentation })
 * ```
 */
export function eda(options: SynonymOptions): TextAugmentation {
  const { alpha } = options
  const noise = alpha === undefined ? {} : { alpha }
  return oneOf(synonymReplacement(options), synonymInsertion(options), wordSwap(noise), wordDeletion(noise))
}
