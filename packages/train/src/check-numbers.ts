import { ArgumentError, describeValue } from '@tfx/common'

/** @throws ArgumentError on what is no number, or outside of its bounds; by default any finite number is within. */
export function checkNumber(
  caller: string,
  values: Readonly<Record<string, unknown>>,
  { least = -Number.MAX_VALUE, most = Number.MAX_VALUE }: { least?: number; most?: number } = {},
): void {
  for (const [argument, value] of Object.entries(values)) {
    if (typeof value === 'number' && value >= least && value <= most) continue
    throw new ArgumentError({
      function: caller,
      argument,
      expected: boundsOf(least, most),
      received: describeValue(value),
      remedy: 'Pass a number within these bounds, or leave it out to get the usual value.',
    })
  }
}

/** @throws ArgumentError if a count of steps is no integer, or below `least`. */
export function checkCount(caller: string, counts: Readonly<Record<string, unknown>>, least = 0): void {
  for (const [argument, value] of Object.entries(counts)) {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least) continue
    throw new ArgumentError({
      function: caller,
      argument,
      expected: `an integer of at least ${least}`,
      received: describeValue(value),
      remedy: 'Count optimizer steps, not examples or epochs.',
    })
  }
}

function boundsOf(least: number, most: number): string {
  if (least === -Infinity) return 'a number'
  if (least === -Number.MAX_VALUE) return most === Number.MAX_VALUE ? 'a finite number' : `at most ${most}`
  return most === Number.MAX_VALUE ? `a finite number of at least ${least}` : `between ${least} and ${most}`
}
