const learned = new WeakMap<object, object>()

/**
 * The model that an interrupted training leaves: the weights of its last whole step, ready to predict, to be
 * saved, or to be the base of another transfer.
 *
 * @param error What `transfer` threw: a TrainingAbortedError, a TrainingError, …
 * @returns The model, or undefined if no step was taken.
 *
 * @example
 * ```ts
 * try {
 *   model = await transfer(base, dataset, { signal })
 * } catch (error) {
 *   model = learnedSoFar(error)
 * }
 * ```
 */
export function learnedSoFar<Model extends object>(error: unknown): Model | undefined {
  return isObject(error) ? (learned.get(error) as Model | undefined) : undefined
}

/** Attaches the model to the error and returns the error. */
export function attachLearned(error: unknown, model: unknown): unknown {
  if (isObject(error) && isObject(model)) learned.set(error, model)
  return error
}

/** The same with a model that has to be made first. */
export async function rememberLearned(error: unknown, create: () => Promise<object>): Promise<unknown> {
  if (!isObject(error)) return error
  try {
    return attachLearned(error, await create())
  } catch {
    // What stopped the training matters more than what stopped its rescue.
    return error
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
