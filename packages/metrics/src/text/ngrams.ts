/** How often each run of `order` units occurs, keyed by the units joined with `separator`. */
export function countNgrams(units: readonly string[], order: number, separator = ' '): Map<string, number> {
  const counts = new Map<string, number>()
  for (let start = 0; start + order <= units.length; start++) {
    const ngram = units.slice(start, start + order).join(separator)
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1)
  }
  return counts
}

/** How many n-grams two texts have in common, each as often as it occurs in both. */
export function countMatches(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): number {
  let matches = 0
  for (const [ngram, count] of left) matches += Math.min(count, right.get(ngram) ?? 0)
  return matches
}

/** How many n-grams a text of so many units has. */
export const ngramTotal = (length: number, order: number): number => Math.max(0, length - order + 1)
