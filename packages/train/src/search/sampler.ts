import { createRandom, mixSeed } from '@tfx/common'
import { samplePoint, type SearchParameters, type SearchSpace } from './space'
import type { SearchDirection, TrialRecord } from './trial'

/** What a sampler knows when it is asked for the parameters of the next trial. */
export interface SamplerQuestion {
  readonly space: SearchSpace
  /** All trials so far, in the order of their numbers, those that are running and that failed too. */
  readonly trials: readonly TrialRecord[]
  readonly direction: SearchDirection
  /** The search's. */
  readonly seed: number
}

/** A way to choose what to try: a function of what has been tried, without a state of its own. */
export interface Sampler {
  readonly name: string
  /** What it was made with; a search that is resumed must have the same. */
  readonly settings: Readonly<Record<string, number | boolean>>
  /** Whether there comes an end to what it suggests, so that a search need not be told when to stop. */
  readonly isFinite: boolean
  /** Undefined when there is nothing left to try. */
  suggest(this: void, question: SamplerQuestion): SearchParameters | undefined
}

/** The random numbers of the next trial: nothing but the seed and its number decides them. */
export function randomOf({ seed, trials }: SamplerQuestion): ReturnType<typeof createRandom> {
  return createRandom(mixSeed(seed, trials.length))
}

/**
 * Tries points anywhere in the space, each for itself (Bergstra and Bengio 2012, https://www.jmlr.org/papers/v13/bergstra12a.html).
 *
 * @example
 * ```ts
 * await search({ space, objective, sampler: randomSampler(), trials: 20 })
 * ```
 */
export function randomSampler(): Sampler {
  return {
    name: 'random',
    settings: {},
    isFinite: false,
    suggest: (question) => samplePoint(question.space, randomOf(question)),
  }
}
