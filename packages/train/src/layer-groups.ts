import { checkCount, checkNumber } from './check-numbers'
import type { ParameterGroup } from './parameter-groups'

const layerNumber = /(?:^|[._])(?:layers?|h|blocks?)\.(\d+)\./
const embedding = /embed|(?:^|\.)(?:shared|wte|wpe)\./

/**
 * How far from the input a parameter lies, by its Hugging Face name: 0 for embeddings, 1 for the first layer, and one
 * more than the last layer for what comes behind all of them (final norms, poolers, heads).
 *
 * @param names All parameters of the model.
 */
export function parameterDepths(names: readonly string[]): ReadonlyMap<string, number> {
  const layers = names.map((name) => {
    const layer = layerNumber.exec(name)?.[1]
    if (layer !== undefined) return Number(layer) + 1
    return embedding.test(name) ? 0 : undefined
  })
  const top = Math.max(0, ...layers.map((depth) => depth ?? 0)) + 1
  return new Map(names.map((name, index) => [name, layers[index] ?? top]))
}

/**
 * Lowers the learning rate of each layer by a factor on the one above it, so that what is general changes least (Howard
 * and Ruder, https://arxiv.org/abs/1801.06146; ELECTRA fine-tunes with a decay of 0.8 or 0.9).
 *
 * @param groups As from `parameterGroups`; each is split by layer.
 * @param options `decay`: the factor, between 0 and 1.
 * @throws ArgumentError on another factor.
 *
 * @example
 * ```ts
 * const groups = withLayerwiseDecay(parameterGroups(parameters, { weightDecay: 0.01 }), { decay: 0.9 })
 * await fit({ … groups })
 * ```
 */
export function withLayerwiseDecay(
  groups: readonly ParameterGroup[],
  { decay }: { decay: number },
): ParameterGroup[] {
  checkNumber('withLayerwiseDecay', { decay }, { least: 0, most: 1 })
  return byDepth(groups, (group, fromTop) => ({
    learningRateScale: (group.learningRateScale ?? 1) * decay ** fromTop,
  }))
}

/**
 * Thaws a model from its head down, one layer after the other (Howard and Ruder, https://arxiv.org/abs/1801.06146).
 *
 * @param groups As from `parameterGroups`; each is split by layer.
 * @param options `stepsPerLayer`: steps until the next layer joins.
 * @throws ArgumentError unless that is a whole number above 0.
 *
 * @example
 * ```ts
 * const groups = withGradualUnfreezing(parameterGroups(parameters, { weightDecay: 0 }), { stepsPerLayer: 100 })
 * await fit({ … groups })
 * ```
 */
export function withGradualUnfreezing(
  groups: readonly ParameterGroup[],
  { stepsPerLayer }: { stepsPerLayer: number },
): ParameterGroup[] {
  checkCount('withGradualUnfreezing', { stepsPerLayer }, 1)
  return byDepth(groups, (_, fromTop) => ({ firstStep: 1 + fromTop * stepsPerLayer }))
}

/** Splits groups by depth; those at the top come first. */
function byDepth(
  groups: readonly ParameterGroup[],
  settings: (group: ParameterGroup, fromTop: number) => Partial<ParameterGroup>,
): ParameterGroup[] {
  const depths = parameterDepths(groups.flatMap(({ names }) => names))
  const levels = [...new Set(depths.values())].sort((a, b) => b - a)
  return groups.flatMap((group) =>
    levels.flatMap((depth, fromTop) => {
      const names = group.names.filter((name) => depths.get(name) === depth)
      return names.length === 0 ? [] : [{ ...group, names, ...settings(group, fromTop) }]
    }),
  )
}
