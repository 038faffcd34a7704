/** A point of a curve: x and y. */
export type Point = readonly [x: number, y: number]

/**
 * Thins out a curve so that it looks the same: of each of equally long stretches the lowest and the highest point stay, and
 * the ends do.
 *
 * @param points In the order of x.
 * @param most How many may stay, an even number of at least 4.
 */
export function thinOut(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points
  const stretches = most / 2 - 1
  const inner = points.length - 2
  const kept = [points[0]!]
  for (let stretch = 0; stretch < stretches; stretch++) {
    const start = 1 + Math.floor((stretch * inner) / stretches)
    const end = 1 + Math.floor(((stretch + 1) * inner) / stretches)
    let [low, high] = [start, start]
    for (let index = start; index < end; index++) {
      if (points[index]![1] < points[low]![1]) low = index
      if (points[index]![1] > points[high]![1]) high = index
    }
    kept.push(points[Math.min(low, high)]!)
    if (low !== high) kept.push(points[Math.max(low, high)]!)
  }
  kept.push(points.at(-1)!)
  return kept
}

/**
 * An exponential average of a curve, corrected for its start at nothing.
 *
 * @param span Over how many points it goes, roughly: each weighs 1 − 1 / span of the next.
 */
export function smooth(points: readonly Point[], span: number): Point[] {
  const keep = 1 - 1 / span
  let average = 0
  let weight = 0
  return points.map(([x, y]) => {
    average = keep * average + (1 - keep) * y
    weight = keep * weight + (1 - keep)
    return [x, average / weight]
  })
}
