import { ArgumentError, describeValue } from '@tfx/common'

/** @throws ArgumentError if a switch is neither true nor false: the text 'false' would turn it on. */
export function checkFlags(caller: string, flags: Readonly<Record<string, unknown>>): void {
  for (const [argument, value] of Object.entries(flags)) {
    if (typeof value === 'boolean') continue
    throw invalid(caller, { argument, expected: 'true or false', received: describeValue(value) })
  }
}

/** @throws ArgumentError if a choice is none of those that there are. */
export function checkOneOf(
  caller: string,
  choices: Readonly<Record<string, unknown>>,
  known: readonly string[],
): void {
  for (const [argument, value] of Object.entries(choices)) {
    if (known.includes(value as string)) continue
    throw invalid(caller, {
      argument,
      expected: `one of ${known.join(', ')}`,
      received: describeValue(value),
    })
  }
}

/** @throws ArgumentError if an option should be a function and is not. */
export function checkFunctions(caller: string, functions: Readonly<Record<string, unknown>>): void {
  for (const [argument, value] of Object.entries(functions)) {
    if (typeof value === 'function') continue
    throw invalid(caller, { argument, expected: 'a function', received: describeValue(value) })
  }
}

/**
 * @param others The options that a function has no use for.
 * @param allowed Those among them that may be given all the same.
 * @throws ArgumentError on an option that there is not: a misspelled one would be passed over in silence.
 */
export function checkNoOthers(caller: string, others: object, allowed: readonly string[] = []): void {
  const entries = Object.entries(others as Record<string, unknown>)
  const other = entries.find(([name, value]) => value !== undefined && !allowed.includes(name))
  if (other === undefined) return
  const [argument, value] = other
  const expected = 'left out, for there is no such option'
  throw invalid(caller, { argument, expected, received: describeValue(value) })
}

function invalid(
  caller: string,
  what: { argument: string; expected: string; received: string },
): ArgumentError {
  return new ArgumentError({ function: caller, ...what, remedy: 'Correct it, or leave it out.' })
}
