import { ArgumentError, describeValue } from '@tfx/common'

/** @throws ArgumentError unless each is the decay rate of an average: a number in [0, 1). */
export function checkRates(caller: string, rates: Readonly<Record<string, unknown>>): void {
  checkEach(caller, rates, { expected: 'a number in [0, 1)', isValid: isRate })
}

/** @throws ArgumentError unless each is a pair of such rates. */
export function checkRatePairs(caller: string, pairs: Readonly<Record<string, unknown>>): void {
  checkEach(caller, pairs, { expected: 'two numbers in [0, 1)', isValid: (pair) => hasAll(pair, 2, isRate) })
}

/** @throws ArgumentError if a number is negative or not finite, or no number. */
export function checkNotNegative(caller: string, numbers: Readonly<Record<string, unknown>>): void {
  checkEach(caller, numbers, { expected: 'a finite number of at least 0', isValid: isNotNegative })
}

/** @throws ArgumentError unless each is a list of so many finite numbers, none below `least`. */
export function checkLists(
  caller: string,
  lists: Readonly<Record<string, unknown>>,
  { length, least = -Number.MAX_VALUE }: { length: number; least?: number },
): void {
  const isValid = (list: unknown) => hasAll(list, length, (value) => isFinite(value) && value >= least)
  const bound = least === 0 ? ' of at least 0' : ''
  checkEach(caller, lists, { expected: `${length} finite numbers${bound}`, isValid })
}

/** @throws ArgumentError unless each is a whole number, 0 or above. */
export function checkWhole(caller: string, numbers: Readonly<Record<string, unknown>>): void {
  checkEach(caller, numbers, {
    expected: 'a whole number of at least 0',
    isValid: (value) => isNotNegative(value) && Number.isInteger(value),
  })
}

const isFinite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isNotNegative = (value: unknown): value is number => isFinite(value) && value >= 0
const isRate = (value: unknown) => isNotNegative(value) && value < 1

const hasAll = (list: unknown, length: number, isValid: (value: unknown) => boolean) =>
  Array.isArray(list) && list.length === length && list.every(isValid)

function checkEach(
  caller: string,
  values: Readonly<Record<string, unknown>>,
  { expected, isValid }: { expected: string; isValid: (value: unknown) => boolean },
): void {
  for (const [argument, value] of Object.entries(values)) {
    if (isValid(value)) continue
    throw new ArgumentError({
      function: caller,
      argument,
      expected,
      received: Array.isArray(value) ? value.map(describeValue).join(', ') : describeValue(value),
      remedy: 'Leave it out to get the usual value.',
    })
  }
}
