import type { ParameterStore } from '@tfx/backend'
import { createRandom, mixSeed } from '@tfx/common'
import { initializeParameter, modelFamily, type Task } from '@tfx/core'
import { copyParameter, type Weights } from './runtime'

/** Where weights come from. */
export interface InitializeOptions {
  readonly task: Task
  readonly seed: number
  /** Another model of the same architecture: its backbone is copied, and its head if asked. */
  readonly from?: { readonly store: ParameterStore; readonly keepHead: boolean }
}

/**
 * Fills a store: with copies where there is something to copy, else with values drawn from the seed.
 *
 * @returns The names of the weights that were drawn.
 */
export async function initializeMissing(
  { config, store }: Weights,
  { task, seed, from }: InitializeOptions,
): Promise<string[]> {
  const family = modelFamily(config.modelType as string)
  const random = createRandom(mixSeed(seed, 1))
  const drawn: string[] = []
  for (const [name, spec] of Object.entries(family.parameterShapes(config, task))) {
    const isWanted = from && (from.keepHead || name.startsWith(family.backbonePrefix))
    if (isWanted && from.store.shapes[name]?.join() === spec.shape.join())
      await copyParameter(from.store, store, name)
    else {
      store.write(name, initializeParameter(spec, random, config.initializerRange))
      drawn.push(name)
    }
  }
  return drawn
}
