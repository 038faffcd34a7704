import type { ParameterStore } from '@tfx/backend'
import { globalNorm } from './gradients'
import { accumulateSlot } from './slots'

/** Training on neighbours of the batch that are as bad as possible. */
export interface AdversarialTraining {
  /** What is moved to get there: the word embeddings. */
  readonly parameters: readonly string[]
  /** How far, as an L2 norm. Usually 0.1 to 1. */
  readonly epsilon: number
}

/**
 * The fast gradient method (Miyato et al., https://arxiv.org/abs/1605.07725), as it is used for fine-tuning: moves the
 * embeddings by epsilon along their gradient, runs `work`, and moves them back, to the bit.
 *
 * Without a gradient (a batch that learned nothing) `work` is not run.
 */
export async function atWorstNeighbour(
  store: ParameterStore,
  { parameters, epsilon }: AdversarialTraining,
  work: () => Promise<void>,
): Promise<void> {
  const norm = await globalNorm(store, parameters)
  if (!(norm > 0 && norm < Infinity)) return
  const kept = await Promise.all(parameters.map((name) => store.read(name)))
  accumulateSlot(store, parameters, { from: 'gradient', to: 'value', scale: epsilon / norm })
  try {
    await work()
  } finally {
    for (const [index, name] of parameters.entries()) store.write(name, kept[index]!)
  }
}
