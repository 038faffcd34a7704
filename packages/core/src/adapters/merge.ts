import type { Adapter } from './adapter'
import { type AdaptedModel, type ReadParameter, rowLengths } from './adapter-parameters'
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
    const parts = ['lora_A.weight', 'lora_B.weight', 'lora_scaling'].map((part) =>
      read(`${target.name}.${part}`),
    )
    const [down, up, scaling] = (await Promise.all(parts)) as [Float32Array, Float32Array, Float32Array]
    const merged = addProduct(values, { down, up, scaling: scaling[0]! }, target)
    return adapter.decomposed
      ? withLengths(merged, await read(`${target.name}.lora_magnitude_vector`), target)
      : merged
  }
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

function withLengths(weight: Float32Array, lengths: Float32Array, target: AdapterTarget): Float32Array {
  const present = rowLengths(weight, target)
  const merged = weight.slice()
  for (let output = 0; output < target.outputs; output++) {
    for (let input = 0; input < target.inputs; input++) {
      merged[placeOf(target, output, input)]! *= lengths[output]! / present[output]!
    }
  }
  return merged
}

function scale(values: Float32Array, factors: Float32Array, target: AdapterTarget): Float32Array {
  const isBias = target.name.endsWith('.bias')
  if (isBias) return target.scalesInput ? values : values.map((value, output) => value * factors[output]!)
  const merged = values.slice()
  for (let output = 0; output < target.outputs; output++) {
    for (let input = 0; input < target.inputs; input++) {
      merged[placeOf(target, output, input)]! *= factors[target.scalesInput ? input : output]!
    }
  }
  return merged
}
