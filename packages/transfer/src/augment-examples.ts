import { mixSeed } from '@tfx/common'
import { type Augmentation, augmentTexts } from '@tfx/train'
import type { TextInput } from './head'
import type { EncodedExample } from './task'

/** How the texts of an epoch differ from those that were given. */
export interface AugmentExamplesOptions<Encoded> {
  readonly augmentation: Augmentation
  /** Tokenizes what has changed, cut where it has become too long. */
  readonly encodeChanged: (examples: readonly TextInput[]) => Promise<Encoded[]>
  readonly seed: number
  readonly epoch: number
}

/**
 * Changes the texts of some examples for one epoch and tokenizes them. What an example becomes depends on its place in
 * the data, the seed and the epoch alone, not on the batch that it is in. A text that has become too long is cut.
 *
 * @param encoded Examples that have a `text`, and maybe a `textPair`.
 * @param indices Places of the examples in `encoded`.
 */
export async function augmentExamples<Encoded extends EncodedExample<unknown>>(
  encoded: readonly Encoded[],
  indices: readonly number[],
  { augmentation, encodeChanged, seed, epoch }: AugmentExamplesOptions<Encoded>,
): Promise<Encoded[]> {
  const examples = indices.map((index) => encoded[index]!.example as TextInput)
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
  return encodeChanged(changed)
}
