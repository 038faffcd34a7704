import type { HostTensor } from '@tfx/common'
import type { Adapter } from './adapter'
import { type AdaptedModel, type ReadParameter, rowLengths } from './adapter-parameters'
import type { FurtherParameters } from './further-parameters'
import type { LoadedAdapter } from './peft-file'
import { type AdapterTarget, adapterTargets } from './targets'

/**
 * Reads the parameters of a model with an adapter merged into its weights, so that it needs the adapter no more.
 *
 * @param read Gives the parameters of the model and those of the adapter.
 * @returns A reader of the parameters of the model; a prompt is no part of them, and stays beside the model.
 *
 * @example
 * ```ts
 * const read = mergedReader(lora(), { config, specs }, (name) => store.read(name))
 * await saveCheckpoint('./merged', { config, task, tokenizer, parameters: { shapes, read } })
 * ```
 */
export function mergedReader(adapter: Adapter, model: AdaptedModel, read: ReadParameter): ReadParameter {
  if (adapter.method === 'bitfit' || adapter.method === 'prompt') return read
  const targets = new Map(
    adapterTargets(adapter, model.config, model.specs).map((target) => [target.name, target]),
  )
  return async (name) => {
    const values = await read(name)
    const target = targets.get(name.replace(/\.(?:weight|bias)$/, ''))
    if (target === undefined) return values
    if (adapter.method === 'ia3')
      return scale(values, await read(`${target.name}.ia3_l`), { ...target, name })
    if (!name.endsWith('.weight')) return values
    const merged = await withUpdate(values, read, target)
    return adapter.decomposed ? scaleRows(merged, await lengthFactors(merged, read, target), target) : merged
  }
}

/**
 * What an adapter has learned, for a base whose weights stay as they are. The lengths of DoRA are divided by those of the weights
 * once, where training does so in every step.
 *
 * @param read Gives the weights of the base.
 */
export async function furtherParametersOf(
  { adapter, tensors }: LoadedAdapter,
  model: AdaptedModel,
  read: ReadParameter,
): Promise<FurtherParameters> {
  const further = Object.fromEntries(
    [...tensors].map(([name, { shape, values }]): [string, HostTensor] => [
      name,
      { dtype: 'float32', shape, data: values },
    ]),
  )
  if (adapter.method !== 'lora' || !adapter.decomposed) return further
  const readAdapter = async (name: string) => tensors.get(name)!.values
  for (const target of adapterTargets(adapter, model.config, model.specs)) {
    const whole = await withUpdate(await read(`${target.name}.weight`), readAdapter, target)
    const data = await lengthFactors(whole, readAdapter, target)
    delete further[`${target.name}.lora_magnitude_vector`]
    further[`${target.name}.lora_row_factors`] = { dtype: 'float32', shape: [data.length], data }
  }
  return further
}

/** The weights with LoRA's update of them. */
async function withUpdate(
  weight: Float32Array,
  read: ReadParameter,
  target: AdapterTarget,
): Promise<Float32Array> {
  const parts = ['lora_A.weight', 'lora_B.weight', 'lora_scaling'].map((part) =>
    read(`${target.name}.${part}`),
  )
  const [down, up, scaling] = (await Promise.all(parts)) as [Float32Array, Float32Array, Float32Array]
  return addProduct(weight, { down, up, scaling: scaling[0]! }, target)
}

/** By what DoRA multiplies each row of the weights with their update. */
async function lengthFactors(
  weight: Float32Array,
  read: ReadParameter,
  target: AdapterTarget,
): Promise<Float32Array> {
  const lengths = await read(`${target.name}.lora_magnitude_vector`)
  const present = rowLengths(weight, target)
  return lengths.map((length, output) => length / present[output]!)
}

const placeOf = ({ inputs, outputs, isTransposed }: AdapterTarget, output: number, input: number) =>
  isTransposed ? input * outputs + output : output * inputs + input

/** W + scaling · B A, with A of [rank, inputs] and B of [outputs, rank]. */
function addProduct(
  weight: Float32Array,
  { down, up, scaling }: { down: Float32Array; up: Float32Array; scaling: number },
  target: AdapterTarget,
): Float32Array {
  const { inputs, outputs } = target
  const rank = down.length / inputs
  const merged = weight.slice()
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      let sum = 0
      for (let k = 0; k < rank; k++) sum += up[output * rank + k]! * down[k * inputs + input]!
      merged[placeOf(target, output, input)]! += scaling * sum
    }
  }
  return merged
}

/** Each output's weights times its factor. */
function scaleRows(weight: Float32Array, factors: Float32Array, target: AdapterTarget): Float32Array {
  const scaled = weight.slice()
  for (let output = 0; output < target.outputs; output++) {
    for (let input = 0; input < target.inputs; input++) {
      scaled[placeOf(target, output, input)]! *= factors[output]!
    }
  }
  return scaled
}

function scale(values: Float32Array, factors: Float32Array, target: AdapterTarget): Float32Array {
  const isBias = target.name.endsWith('.bias')
  if (isBias) return target.scalesInput ? values : values.map((value, output) => value * factors[output]!)
  if (!target.scalesInput) return scaleRows(values, factors, target)
  const merged = values.slice()
  for (let output = 0; output < target.outputs; output++) {
    for (let input = 0; input < target.inputs; input++) {
      merged[placeOf(target, output, input)]! *= factors[input]!
    }
  }
  return merged
}
