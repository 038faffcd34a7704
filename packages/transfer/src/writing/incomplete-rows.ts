import { ArgumentError, DataError, describeValue } from '@tfx/common'

/** Rows that lack a part of an example. */
export interface IncompleteRows {
  /** Where they are. */
  readonly places: readonly string[]
  /** What to do: refuse them, or leave them out. Default `error`. */
  readonly incomplete?: 'error' | 'drop' | undefined
  /** The public function and the data, for errors. */
  readonly caller: string
  readonly name: string
  /** What every row must have: `a text`, `its translation`. */
  readonly parts: readonly [string, string]
}

/**
 * What is to be said of rows that were left out.
 *
 * @throws DataError if they are to be refused, ArgumentError if it says neither.
 */
export function incompleteNotes({ places, incomplete, caller, name, parts }: IncompleteRows): string[] {
  if (![undefined, 'error', 'drop'].includes(incomplete)) {
    throw new ArgumentError({
      function: caller,
      argument: 'incomplete',
      expected: "'error' or 'drop'",
      received: describeValue(incomplete),
      remedy: `Leave it out to refuse rows without ${parts.join(' or ')}, or pass 'drop' to leave them out.`,
    })
  }
  if (places.length === 0) return []
  if (incomplete === 'drop') return [`${places.length} rows without ${parts.join(' or ')} were left out.`]
  const more = places.length > 5 ? ', …' : ''
  throw new DataError({
    function: caller,
    argument: name,
    expected: `${parts.join(' and ')} in every row`,
    received: `${places.length} without one of them (${places.slice(0, 5).join(', ')}${more})`,
    remedy: "Complete or delete them, or pass { incomplete: 'drop' } to leave them out.",
  })
}
