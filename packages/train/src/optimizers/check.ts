import { ArgumentError } from '@tfx/common'

/** @throws ArgumentError if a decay rate of an average is outside [0, 1). */
export function checkRates(caller: string, rates: Readonly<Record<string, readonly number[]>>): void {
  const counts = ['', 'a number', 'two numbers']
  for (const [argument, values] of Object.entries(rates)) {
    if (values.every((rate) => rate >= 0 && rate < 1)) continue
    throw invalid(caller, {
      argument,
      expected: `${counts[values.length]} in [0, 1)`,
      received: values.join(', '),
    })
  }
}

/** @throws ArgumentError if a number is negative or NaN. */
export function checkNotNegative(caller: string, numbers: Readonly<Record<string, number>>): void {
  for (const [argument, value] of Object.entries(numbers)) {
    if (value >= 0) continue
    throw invalid(caller, { argument, expected: 'at least 0', received: String(value) })
  }
}

function invalid(
  caller: string,
  what: { argument: string; expected: string; received: string },
): ArgumentError {
  return new ArgumentError({ function: caller, ...what, remedy: 'Leave it out to get the usual value.' })
}
