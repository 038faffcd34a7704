import type { BatchAugmentation } from './augmentation'
import { checkCount } from './check'
import { isBlank } from './characters'

/** Translates texts: one for each, in their order. Any model or service will do. */
export type Translate = (texts: readonly string[]) => Promise<readonly string[]>

/** Options of {@link backTranslation}. */
export interface BackTranslationOptions {
  /** Into another language. */
  readonly forward: Translate
  /** And back again. */
  readonly backward: Translate
  /** What tells it from others: name the models if runs are to be resumed. Default `backTranslation`. */
  readonly name?: string
}

/**
 * Says the same in other words, by way of another language. Blank texts and texts of which nothing comes back stay as
 * they are. It is as random as its functions: with ones that always answer the same, every epoch has the same texts, so
 * combine it with {@link withProbability}.
 *
 * @throws ArgumentError if a function returns more or fewer texts than it got.
 *
 * @example
 * ```ts
 * const augmentation = withProbability(0.3, backTranslation({ forward: toGerman, backward: toEnglish }))
 * ```
 */
export function backTranslation({
  forward,
  backward,
  name = 'backTranslation',
}: BackTranslationOptions): BatchAugmentation {
  const translate = async (direction: 'forward' | 'backward', texts: readonly string[]) => {
    const results = await (direction === 'forward' ? forward : backward)(texts)
    checkCount('backTranslation', direction, { texts: texts.length, results: results.length })
    return results
  }
  return {
    name,
    async applyAll(texts) {
      const places = [...texts.keys()].filter((place) => !isBlank(texts[place]!))
      if (places.length === 0) return texts
      const originals = places.map((place) => texts[place]!)
      const back = await translate('backward', await translate('forward', originals))
      const changed = [...texts]
      places.forEach((place, order) => {
        if (!isBlank(back[order]!)) changed[place] = back[order]!
      })
      return changed
    },
  }
}
