import { ArgumentError } from '@tfx/common'
import type { Label } from './labels'

/**
 * Weights by which all classes count the same in a loss, however many examples they have: n / (k · count), the
 * `balanced` of scikit-learn's `compute_class_weight`.
 *
 * @param labels The labels of all examples.
 * @returns Label → weight, in the order in which they first come.
 *
 * @example
 * ```ts
 * balancedClassWeights(['good', 'good', 'good', 'bad']) // { good: 2 / 3, bad: 2 }
 * ```
 */
export function balancedClassWeights(labels: Iterable<Label>): Record<string, number> {
  const { counts, total } = countLabels(labels)
  return Object.fromEntries(Array.from(counts, ([label, count]) => [label, total / (counts.size * count)]))
}

/**
 * Weights by which each class is drawn as often as any other: see {@link weightedSample}.
 *
 * @param labels The labels of all examples.
 * @returns One weight for each example: 1 / count of its label.
 */
export function balancedSampleWeights(labels: readonly Label[]): number[] {
  const { counts } = countLabels(labels)
  return labels.map((label) => 1 / counts.get(String(label))!)
}

/**
 * The weights of classes in their order.
 *
 * @param weights Label → weight; a class that is not among them counts as 1.
 * @param names The classes in the model's order.
 * @throws ArgumentError on a label that is no class, or a weight that is negative or not finite.
 */
export function encodeClassWeights(
  weights: Readonly<Record<string, number>>,
  names: readonly string[],
): number[] {
  for (const [label, weight] of Object.entries(weights)) {
    if (names.includes(label) && weight >= 0 && weight < Infinity) continue
    throw new ArgumentError({
      function: 'encodeClassWeights',
      argument: `classWeights['${label}']`,
      expected: names.includes(label) ? 'a finite number of at least 0' : 'of a label that there is',
      received: String(weight),
      remedy: `The labels are ${names.map((name) => `'${name}'`).join(', ')}.`,
    })
  }
  // A label may be called `constructor`, which every object answers to.
  return names.map((name) => (Object.hasOwn(weights, name) ? weights[name]! : 1))
}

function countLabels(labels: Iterable<Label>): { counts: Map<string, number>; total: number } {
  const counts = new Map<string, number>()
  let total = 0
  for (const label of labels) {
    counts.set(String(label), (counts.get(String(label)) ?? 0) + 1)
    total++
  }
  return { counts, total }
}
