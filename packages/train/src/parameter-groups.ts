import { checkNumber } from './check-numbers'

/** Parameters that are updated with the same settings. */
export interface ParameterGroup {
  readonly names: readonly string[]
  /** What the optimizer understands by it; with AdamW each step multiplies the values by 1 − learningRate · weightDecay. */
  readonly weightDecay: number
  /** The factor on the learning rate. Default 1. */
  readonly learningRateScale?: number
  /** The first step, from 1, that updates them; until then they are frozen, and count in no norm. Default 1. */
  readonly firstStep?: number
}

/** The groups that a step updates. */
export const groupsAt = (groups: readonly ParameterGroup[], step: number): ParameterGroup[] =>
  groups.filter(({ firstStep = 1 }) => firstStep <= step)

/** The parameters that have been updated by the end of a step, or could have been. */
export const namesAt = (groups: readonly ParameterGroup[], step: number): string[] =>
  groupsAt(groups, step).flatMap(({ names }) => names)

// What the Hugging Face Trainer exempts (`get_decay_parameter_names`), in its words and order; the last is
// ours: a LayerNorm that only its class tells there, `ln_1`, `ln_2` and `ln_f` of GPT-2.
const notDecayed = [
  /bias/,
  /layernorm/,
  /rmsnorm/,
  /(?:^|\.)norm(?:$|\.)/,
  /_norm(?:$|\.)/,
  /(?:^|\.)ln_(?:\d+|f)(?:$|\.)/,
]

/**
 * Splits parameters by the rule of the Hugging Face Trainer: biases and the weights of normalization
 * layers are not decayed, everything else is.
 *
 * The rule reads names (lower-cased), for that is all a record of parameters tells about its layers.
 *
 * @param names Parameter names as Hugging Face has them, `encoder.layer.0.output.LayerNorm.weight`.
 * @param options `weightDecay` for the decayed group.
 * @throws ArgumentError on a negative weight decay.
 * @returns The decayed group and the other, without empty groups; the order of names is kept.
 *
 * @example
 * ```ts
 * parameterGroups(['dense.weight', 'dense.bias'], { weightDecay: 0.01 })
 * // [{ names: ['dense.weight'], weightDecay: 0.01 }, { names: ['dense.bias'], weightDecay: 0 }]
 * ```
 */
export function parameterGroups(
  names: readonly string[],
  { weightDecay }: { weightDecay: number },
): ParameterGroup[] {
  checkNumber('parameterGroups', { weightDecay }, { least: 0 })
  const isDecayed = (name: string) => !notDecayed.some((pattern) => pattern.test(name.toLowerCase()))
  return [
    { names: names.filter(isDecayed), weightDecay },
    { names: names.filter((name) => !isDecayed(name)), weightDecay: 0 },
  ].filter((group) => group.names.length > 0)
}
