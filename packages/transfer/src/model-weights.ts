import type { Weights } from './runtime'

// Models made here can be the base of a further transfer: their weights are found by identity.
const weightsOfModels = new WeakMap<object, Weights>()

/** The weights of a model made by `transfer`, `load` or `pretrain` that has not been disposed of. */
export function weightsOf(model: object): Weights | undefined {
  return weightsOfModels.get(model)
}

/** Lets a model be the base of a further transfer. */
export function registerWeights(model: object, weights: Weights): void {
  weightsOfModels.set(model, weights)
}

/** Forgets the weights of a model that is disposed of. */
export function forgetWeights(model: object): void {
  weightsOfModels.delete(model)
}
