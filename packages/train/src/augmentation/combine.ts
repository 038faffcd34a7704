import { ArgumentError, type Random } from '@tfx/common'
import {
  type Augmentation,
  type BatchAugmentation,
  isTextAugmentation,
  type TextAugmentation,
} from './augmentation'
import { applyToAll } from './augment'
import { checkShares } from './check'

/**
 * One augmentation after another.
 *
 * @throws ArgumentError if there is none.
 *
 * @example
 * ```ts
 * compose(withProbability(0.5, wordSwap()), keyboardTypos({ rate: 0.02 }))
 * ```
 */
export function compose(...augmentations: readonly TextAugmentation[]): TextAugmentation
export function compose(...augmentations: readonly Augmentation[]): Augmentation
export function compose(...augmentations: readonly Augmentation[]): Augmentation {
  checkGiven('compose', augmentations)
  const name = `compose(${augmentations.map((each) => each.name).join(', ')})`
  if (augmentations.every(isTextAugmentation)) {
    return {
      name,
      apply: (text, random) => augmentations.reduce((changed, each) => each.apply(changed, random), text),
    }
  }
  return {
    name,
    async applyAll(texts, randoms) {
      let changed = texts
      for (const each of augmentations) changed = await applyToAll(each, changed, randoms)
      return changed
    },
  }
}

/**
 * One of several augmentations for each text, all equally likely.
 *
 * @throws ArgumentError if there is none.
 */
export function oneOf(...augmentations: readonly TextAugmentation[]): TextAugmentation
export function oneOf(...augmentations: readonly Augmentation[]): Augmentation
export function oneOf(...augmentations: readonly Augmentation[]): Augmentation {
  checkGiven('oneOf', augmentations)
  const name = `oneOf(${augmentations.map((each) => each.name).join(', ')})`
  return choosing(name, augmentations, (random) => random.integer(augmentations.length))
}

/**
 * An augmentation for some texts, drawn at random; the others stay as they are.
 *
 * @param probability From 0 to 1.
 * @throws ArgumentError on another probability.
 */
export function withProbability(probability: number, augmentation: TextAugmentation): TextAugmentation
export function withProbability(probability: number, augmentation: Augmentation): Augmentation
export function withProbability(probability: number, augmentation: Augmentation): Augmentation {
  checkShares('withProbability', { probability })
  const name = `withProbability(${probability}, ${augmentation.name})`
  return choosing(name, [augmentation, unchanged], (random) => (random.next() < probability ? 0 : 1))
}

const unchanged: TextAugmentation = { name: 'unchanged', apply: (text) => text }

/** Draws an augmentation for each text. */
function choosing(
  name: string,
  choices: readonly Augmentation[],
  choose: (random: Random) => number,
): Augmentation {
  if (choices.every(isTextAugmentation)) {
    return { name, apply: (text, random) => choices[choose(random)]!.apply(text, random) }
  }
  const applyAll: BatchAugmentation['applyAll'] = async (texts, randoms) => {
    const chosen = randoms.map(choose)
    const changed = [...texts]
    for (const [number, choice] of choices.entries()) {
      const places = [...texts.keys()].filter((place) => chosen[place] === number)
      const results = await applyToAll(
        choice,
        places.map((place) => texts[place]!),
        places.map((place) => randoms[place]!),
      )
      places.forEach((place, order) => (changed[place] = results[order]!))
    }
    return changed
  }
  return { name, applyAll }
}

function checkGiven(caller: string, augmentations: readonly Augmentation[]): void {
  if (augmentations.length > 0) return
  throw new ArgumentError({
    function: caller,
    argument: 'augmentations',
    expected: 'one or more',
    received: 'none',
    remedy: `For instance ${caller}(wordSwap(), keyboardTypos()).`,
  })
}
