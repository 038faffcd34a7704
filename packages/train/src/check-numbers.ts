import { ArgumentError } from '@tfx/common'

/** @throws ArgumentError if a number is outside of its bounds, or NaN. */
export function checkNumber(
  caller: string,
  values: Readonly<Record<string, number | undefined>>,
  { least = -Infinity, most = Infinity }: { least?: number; most?: number } = {},
): void {
  for (const [argument, value] of Object.entries(values)) {
    if (value === undefined || (value >= least && value <= most)) continue
    throw new ArgumentError({
      function: caller,
      argument,
      expected: boundsOf(least, most),
      received: String(value),
      remedy: 'Pass a number within these bounds, or leave it out to get the usual value.',
    })
  }
}

/** @throws ArgumentError if a count of steps is no integer, or below `least`. */
export function checkCount(caller: string, counts: Readonly<Record<string, number>>, least = 0): void {
  for (const [argument, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= least) continue
    throw new ArgumentError({
      function: caller,
      argument,
      expected: `an integer of at least ${least}`,
      received: String(value),
      remedy: 'Count optimizer steps, not examples or epochs.',
    })
  }
}

function boundsOf(least: number, most: number): string {
  if (least === -Infinity) return `at most ${most}`
  return most === Infinity ? `a number of at least ${least}` : `between ${least} and ${most}`
}
