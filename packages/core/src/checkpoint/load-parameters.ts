import { CheckpointError, createRandom, mixSeed, sizeOf } from '@tfx/common'
import type { ParameterSpec } from '../blocks/parameters'
import type { ModelConfig, Task } from '../config/model-config'
import { modelFamily } from '../models'
import { initializeParameter } from '../models/initialize'
import type { WeightsReader } from '../weights'
import { checkUnread } from './check-unread'
import { matchNames } from './parameter-names'

/** Takes the values of one parameter; the array is not used again. */
export type WriteParameter = (name: string, values: Float32Array) => void | Promise<void>

/** Options of {@link Checkpoint.loadParameters}. */
export interface LoadParametersOptions {
  /** Called once for every parameter of the task's model: the `write` of a parameter store. */
  write: WriteParameter
  /** Decides new weights. Default 42. */
  seed?: number
  /** The model to fill, when it is not the checkpoint's own: `withLabels(checkpoint.config, labels)`. */
  config?: ModelConfig
}

/** What came from a checkpoint and what did not, in the terms of Hugging Face's loading report. */
export interface LoadReport {
  /** Parameters that the checkpoint gave. */
  readonly loaded: readonly string[]
  /** Parameters of the head that the checkpoint does not have. */
  readonly missing: readonly string[]
  /** Parameters of the head that the checkpoint has for another number of labels. */
  readonly mismatched: readonly string[]
  /** `missing` and `mismatched`: they start at random and need training. */
  readonly newlyInitialised: readonly string[]
  /** Tensors of the checkpoint that the model has no use for. */
  readonly unexpected: readonly string[]
}

/** Where {@link readParameters} reads. */
export interface ParameterSource {
  readonly weights: WeightsReader
  /** The checkpoint's own configuration. */
  readonly config: ModelConfig
  readonly source: string
}

/**
 * Reads the parameters of a task's model one at a time; head parameters that the checkpoint lacks are initialised.
 *
 * @throws CheckpointError if a parameter of the backbone is missing, or one has a wrong shape.
 */
export async function readParameters(
  { weights, config: ownConfig, source }: ParameterSource,
  task: Task,
  { write, seed = 42, config = ownConfig }: LoadParametersOptions,
): Promise<LoadReport> {
  const family = modelFamily(config.modelType as string)
  const specs = family.parameterShapes(config, task)
  const ownSpecs = family.parameterShapes(ownConfig, task)
  const backbone = family.parameterShapes(config, 'feature-extraction')
  const { stored, unexpected } = matchNames(weights.tensors.keys(), family, specs)
  const tensorOf = (name: string) => stored.get(name) ?? stored.get(specs[name]!.copyOf ?? '')
  const loaded: string[] = []
  const missing: string[] = []
  const buffers: string[] = []
  const mismatched: string[] = []
  for (const [name, spec] of Object.entries(specs)) {
    const tensor = tensorOf(name)
    if (tensor === undefined) {
      if (Object.hasOwn(backbone, name)) throw missingParameter(name, source)
      // Buffers have one value: Hugging Face does not report them either.
      if (spec.isFixed) buffers.push(name)
      else missing.push(name)
      continue
    }
    const shape = weights.tensors.get(tensor)?.shape ?? []
    if (isSameShape(shape, spec.shape)) loaded.push(name)
    else if (!Object.hasOwn(backbone, name) && isSameShape(shape, ownSpecs[name]?.shape ?? []))
      mismatched.push(name)
    else throw wrongShape(name, { source, shape, expected: spec.shape })
  }
  await checkUnread(weights, { family, config, stored, source, words: Object.keys(specs)[0]! })
  // Everything is checked before anything is written.
  for (const name of loaded) {
    const values = new Float32Array(sizeOf(specs[name]!.shape))
    await weights.readInto(tensorOf(name)!, values)
    await write(name, values)
  }
  const newlyInitialised = [...missing, ...mismatched]
  for (const name of [...buffers, ...newlyInitialised]) {
    await write(name, newParameter(name, specs[name]!, { seed, config }))
  }
  return { loaded, missing, mismatched, newlyInitialised, unexpected }
}

/**
 * Fills a model with new weights, as it is before any training.
 *
 * @param config Decides the shapes and the deviation of the weights.
 * @param options `write` is called once for every parameter.
 *
 * @example
 * ```ts
 * await initializeParameters(config, 'masked-language-modelling', { write: (name, values) => store.write(name, values) })
 * ```
 */
export async function initializeParameters(
  config: ModelConfig,
  task: Task,
  { write, seed = 42 }: Pick<LoadParametersOptions, 'write' | 'seed'>,
): Promise<void> {
  const specs = modelFamily(config.modelType as string).parameterShapes(config, task)
  for (const [name, spec] of Object.entries(specs))
    await write(name, newParameter(name, spec, { seed, config }))
}

/** Seeded by its name too, so that a weight does not depend on which others are new. */
function newParameter(
  name: string,
  spec: ParameterSpec,
  { seed, config }: { seed: number; config: ModelConfig },
): Float32Array {
  let stream = seed
  for (let index = 0; index < name.length; index++) stream = mixSeed(stream, name.charCodeAt(index))
  return initializeParameter(spec, createRandom(stream), config.initializerRange)
}

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis])
}

function missingParameter(name: string, source: string): CheckpointError {
  return new CheckpointError({
    function: 'loadParameters',
    argument: source,
    expected: `a checkpoint with '${name}'`,
    received: 'one without it',
    remedy:
      'The weights do not belong to config.json, or were not saved completely: save or download them again.',
  })
}

function wrongShape(
  name: string,
  { source, shape, expected }: { source: string; shape: readonly number[]; expected: readonly number[] },
): CheckpointError {
  return new CheckpointError({
    function: 'loadParameters',
    argument: source,
    expected: `a checkpoint whose '${name}' has the shape [${expected.join(', ')}]`,
    received: `[${shape.join(', ')}]`,
    remedy: 'The weights do not belong to config.json: save or download both together.',
  })
}
