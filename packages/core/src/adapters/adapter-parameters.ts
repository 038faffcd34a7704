import type { Random } from '@tfx/common'
import type { ParameterSpecs } from '../blocks/parameters'
import type { WordScaleConfig } from '../blocks/word-embedding'
import type { ModelConfig } from '../config/model-config'
import { type Adapter, loraScaling } from './adapter'
import { promptName, promptSpecs, promptValues } from './prompt'
import { type AdapterTarget, adapterTargets } from './targets'

/** The model that is adapted. */
export interface AdaptedModel {
  readonly config: WordScaleConfig & Pick<ModelConfig, 'modelType'>
  /** Every parameter of the model with its head. */
  readonly specs: ParameterSpecs
}

/** Reads the values of a parameter. */
export type ReadParameter = (name: string) => Promise<Float32Array>

/**
 * The parameters that an adapter adds to a model, by PEFT's names; to be given to the model's functions with the others.
 * `lora_scaling` is ours, and fixed: 0 turns the adapter off.
 *
 * @throws ArgumentError if the model does not have the adapter's targets.
 */
export function adapterSpecs(adapter: Adapter, { config, specs }: AdaptedModel): ParameterSpecs {
  if (adapter.method === 'bitfit') return {}
  if (adapter.method === 'prompt') return promptSpecs(adapter, specs)
  const added: ParameterSpecs = {}
  for (const { name, inputs, outputs, scalesInput } of adapterTargets(adapter, config, specs)) {
    if (adapter.method === 'ia3') {
      added[`${name}.ia3_l`] = { shape: scalesInput ? [1, inputs] : [outputs, 1], initialize: 'ones' }
      continue
    }
    added[`${name}.lora_A.weight`] = { shape: [adapter.rank, inputs], initialize: 'normal' }
    added[`${name}.lora_B.weight`] = { shape: [outputs, adapter.rank], initialize: 'zeros' }
    if (adapter.decomposed) added[`${name}.lora_magnitude_vector`] = { shape: [outputs], initialize: 'ones' }
    added[`${name}.lora_scaling`] = { shape: [], initialize: 'ones', isFixed: true }
  }
  return added
}

/**
 * The names of what is trained: the adapter's own parameters, and those of the head.
 *
 * @param head The names of the head's parameters, which start at random.
 */
export function trainedNames(adapter: Adapter, model: AdaptedModel, head: readonly string[]): string[] {
  if (adapter.method === 'bitfit') {
    const names = Object.keys(model.specs)
    return names.filter((name) => name.endsWith('.bias') || head.includes(name))
  }
  const added = Object.entries(adapterSpecs(adapter, model)).filter(([, { isFixed }]) => isFixed !== true)
  return [...added.map(([name]) => name), ...head]
}

/**
 * The values that the parameters of a new adapter start from, with which the model computes what it did without: A uniform
 * as PyTorch's linear layers, B zero, factors one, lengths those of the weights. A prompt is read from the start.
 *
 * @param from `read` gives the weights of the model, `encode` the tokens of a prompt's text, special ones included.
 */
export async function* initialAdapter(
  adapter: Adapter,
  model: AdaptedModel,
  {
    random,
    read,
    encode,
  }: { random: Random; read: ReadParameter; encode?: (text: string) => readonly number[] },
): AsyncGenerator<[name: string, values: Float32Array]> {
  if (adapter.method === 'bitfit') return
  if (adapter.method === 'prompt') {
    yield [promptName, await promptValues(adapter, model, { random, read, encode })]
    return
  }
  for (const target of adapterTargets(adapter, model.config, model.specs)) {
    const { name, inputs, outputs, scalesInput } = target
    if (adapter.method === 'ia3') {
      yield [`${name}.ia3_l`, new Float32Array(scalesInput ? inputs : outputs).fill(1)]
      continue
    }
    const bound = 1 / Math.sqrt(inputs)
    const down = Float32Array.from({ length: adapter.rank * inputs }, () => bound * (2 * random.next() - 1))
    yield [`${name}.lora_A.weight`, down]
    yield [`${name}.lora_B.weight`, new Float32Array(outputs * adapter.rank)]
    yield [`${name}.lora_scaling`, Float32Array.of(loraScaling(adapter))]
    if (adapter.decomposed)
      yield [`${name}.lora_magnitude_vector`, rowLengths(await read(`${name}.weight`), target)]
  }
}

/** The L2 norm of the weights of each output. */
export function rowLengths(
  weight: Float32Array,
  { inputs, outputs, isTransposed }: AdapterTarget,
): Float32Array {
  const squares = new Float64Array(outputs)
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      squares[output]! += weight[isTransposed ? input * outputs + output : output * inputs + input]! ** 2
    }
  }
  return Float32Array.from(squares, Math.sqrt)
}
