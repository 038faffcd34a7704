import { createRandom, mixSeed, type Random, throwIfAborted } from '@tfx/common'
import { type Augmentation, isTextAugmentation, type TextAugmentation } from './augmentation'
import { checkCount, checkTexts } from './check'

/** Which of all its random changes a text gets: the same place, the same change. */
export interface AugmentationPlace {
  /** Default 42. */
  readonly seed?: number
  /** Each epoch has changes of its own. Default 1, the first. */
  readonly epoch?: number
  /** The text's place in its data set, whatever the order that it is learned in. Default 0. */
  readonly index?: number
}

/**
 * Changes one text.
 *
 * @throws ArgumentError if the augmentation returns anything else than a text.
 * @example
 * ```ts
 * augmentText(wordSwap(), 'a long and dull film', { epoch: 2 })
 * ```
 */
export function augmentText(
  augmentation: TextAugmentation,
  text: string,
  place: AugmentationPlace = {},
): string {
  const changed = augmentation.apply(text, randomAt(place))
  checkTexts(augmentation.name, [changed])
  return changed
}

/**
 * Changes many texts.
 *
 * @param place `indices` are their places in the data set. Default: 0, 1, 2, …
 * @returns One text for each, in their order.
 * @throws ArgumentError if the augmentation returns more or fewer, or anything else than texts.
 */
export async function augmentTexts(
  augmentation: Augmentation,
  texts: readonly string[],
  {
    indices = [...texts.keys()],
    ...place
  }: AugmentationPlace & { readonly indices?: readonly number[] } = {},
): Promise<readonly string[]> {
  return applyToAll(
    augmentation,
    texts,
    indices.map((index) => randomAt({ ...place, index })),
  )
}

/** Options of {@link augmentStream}. */
export interface AugmentStreamOptions extends AugmentationPlace {
  /** Texts that are changed together. Default 32. */
  readonly batchSize?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Changes texts as they come; never holds more than a batch of them.
 *
 * @param options `index` is the place of the first text.
 * @throws AbortedError if the signal fires.
 *
 * @example
 * ```ts
 * for await (const text of augmentStream(eda({ synonyms }), lines, { epoch })) …
 * ```
 */
export async function* augmentStream(
  augmentation: Augmentation,
  texts: Iterable<string> | AsyncIterable<string>,
  { batchSize = 32, signal, index = 0, ...place }: AugmentStreamOptions = {},
): AsyncGenerator<string> {
  let next = index
  let waiting: string[] = []
  const changeWaiting = () => {
    const indices = waiting.map(() => next++)
    const batch = waiting
    waiting = []
    return augmentTexts(augmentation, batch, { ...place, indices })
  }
  for await (const text of texts) {
    throwIfAborted(signal, 'augmentStream')
    waiting.push(text)
    if (waiting.length >= batchSize) yield* await changeWaiting()
  }
  yield* await changeWaiting()
}

/** Applies an augmentation of either kind. */
export async function applyToAll(
  augmentation: Augmentation,
  texts: readonly string[],
  randoms: readonly Random[],
): Promise<readonly string[]> {
  if (isTextAugmentation(augmentation)) {
    const changed = texts.map((text, place) => augmentation.apply(text, randoms[place]!))
    checkTexts(augmentation.name, changed)
    return changed
  }
  if (texts.length === 0) return []
  const results = await augmentation.applyAll(texts, randoms)
  checkCount(augmentation.name, 'applyAll', { texts: texts.length, results: results.length })
  checkTexts(augmentation.name, results)
  return results
}

const randomAt = ({ seed = 42, epoch = 1, index = 0 }: AugmentationPlace) =>
  createRandom(mixSeed(mixSeed(seed, epoch), index))
