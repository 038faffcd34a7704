import { mixSeed } from '@tfx/common'
import type { Tokenizer } from '@tfx/core'
import { type Augmentation, augmentTexts } from '@tfx/train'
import { type EncodedExample, encodeExamples } from './encode'
import type { TextInput } from './head'

/** How the texts of an epoch differ from those that were given. */
export interface AugmentExamplesOptions {
  readonly augmentation: Augmentation
  readonly tokenizer: Tokenizer
  readonly maxLength: number
  readonly seed: number
  readonly epoch: number
}

/**
 * Changes the texts of some examples for one epoch and tokenizes them. What an example becomes depends on its place in
 * the data, the seed and the epoch alone, not on the batch that it is in. A text that has become too long is cut.
 *
 * @param indices Places of the examples in `encoded`.
 */
export async function augmentExamples<Example extends TextInput>(
  encoded: readonly EncodedExample<Example>[],
  indices: readonly number[],
  { augmentation, tokenizer, maxLength, seed, epoch }: AugmentExamplesOptions,
): Promise<EncodedExample<Example>[]> {
  const examples = indices.map((index) => encoded[index]!.example)
  const texts = await augmentTexts(
    augmentation,
    examples.map(({ text }) => text),
    { seed, epoch, indices },
  )
  const paired = [...examples.keys()].filter((place) => examples[place]!.textPair !== undefined)
  const pairs = await augmentTexts(
    augmentation,
    paired.map((place) => examples[place]!.textPair!),
    // Other changes than those of the first texts.
    { seed: mixSeed(seed, 1), epoch, indices: paired.map((place) => indices[place]!) },
  )
  const changed = examples.map((example, place) => ({ ...example, text: texts[place]! }))
  paired.forEach((place, order) => (changed[place] = { ...changed[place]!, textPair: pairs[order]! }))
  return encodeExamples(changed, { tokenizer, maxLength, truncation: true, caller: 'transfer' })
}
